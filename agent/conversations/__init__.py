"""Conversations as they are kept: what was said through any door, by the conversation's id."""
