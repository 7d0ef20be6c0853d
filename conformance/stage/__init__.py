"""The stage for a check: the server or the client that is checked, and connections to it."""
