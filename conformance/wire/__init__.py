"""Talks to what is checked: connections, TLS, processes, ports, and a transcript of all that passes."""
