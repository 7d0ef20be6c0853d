"""Several servers as one: an ordered log on NATS JetStream, and the same pure chat on each node."""
