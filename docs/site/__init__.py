"""Builds the static pages: the specification with what proves each requirement, its grammar, sessions, guides."""
