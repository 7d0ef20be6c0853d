"""Code that server and client share for their use of a terminal."""
