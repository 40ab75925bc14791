"""The language model: one llama.cpp context shared by all calls, and the LiveKit plugin that asks it."""
