"""The reference client for terminals and pipes."""
