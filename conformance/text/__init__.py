"""Reads the specification: its numbered sentences, its grammar, and octets at the edges of both."""
