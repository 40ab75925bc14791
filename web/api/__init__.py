"""The HTTP door: OpenAI's shapes and plain ones over whatever `backend.Agent` is handed in."""
