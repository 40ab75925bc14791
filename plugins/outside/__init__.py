"""A language model on somebody else's server, for the engine: OpenAI's chat over HTTP."""
