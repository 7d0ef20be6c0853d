"""Measures servers that speak Flurfunk/1, side by side, and checks each delivery; knows nothing of the reference."""
