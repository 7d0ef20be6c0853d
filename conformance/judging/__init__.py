"""Runs checks and judges what they find: verdicts, blame, expectations, and the conclusion."""
