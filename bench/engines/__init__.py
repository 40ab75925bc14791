"""Each engine alone: no LiveKit, no sockets, no other process."""
