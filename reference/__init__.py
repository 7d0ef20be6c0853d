"""The reference implementation of Flurfunk/1, on the standard library alone."""
