"""The checks of clients, one module for each part of the specification that binds them."""
