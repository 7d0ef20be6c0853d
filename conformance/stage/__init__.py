"""What a check plays on: the server or the client that is checked, and connections to it."""
