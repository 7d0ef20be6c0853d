"""Whole conversations: session files, those by chance with their model, and replays of both."""
