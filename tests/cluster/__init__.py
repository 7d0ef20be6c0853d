"""Tests of several servers as one, on real servers of NATS."""
