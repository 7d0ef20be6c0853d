"""Which version of this software it is; the protocol's version is counted apart."""

VERSION = "1.0.0.dev0"
