"""Tells people and programs what came out: text, pages, JSON, JUnit, badge and matrix."""
