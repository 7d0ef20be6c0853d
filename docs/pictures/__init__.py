"""The pictures of README and guides, and what makes them of the running programs."""
