"""The reference server: a thread for each client, one stream of lines for each room."""
