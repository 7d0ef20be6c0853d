"""What server and client share to be used on a terminal."""
