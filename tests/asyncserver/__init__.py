"""A second Flurfunk/1 server, written from the specification alone, with mistakes that can be switched on.

It keeps the specification honest (can it be implemented from its text?) and the conformance suite too (does
each check notice the mistake that it is there for?). See `faults.FAULTS` for the mistakes.
"""
