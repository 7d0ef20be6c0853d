"""The pictures of the README, and what makes them of the running programs."""
