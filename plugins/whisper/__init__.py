"""Whisper: speech in, transcripts out. `model.py` runs in the engine, `stt.py` in a LiveKit worker."""
