"""The engine process: one set of weights, served to every call over OpenAI-shaped HTTP and one WebSocket."""
