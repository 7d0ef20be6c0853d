"""The checks: one module for each section of the specification, for servers and for clients."""
