"""The door: the client page, call sessions and their access tokens, health checks."""
