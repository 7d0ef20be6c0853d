"""Conformance of clients: each runs in a terminal and talks to a server that says what a check says."""
