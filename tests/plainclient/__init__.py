"""A second client, written from the specification alone, in which mistakes can be switched on."""
