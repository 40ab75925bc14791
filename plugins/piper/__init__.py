"""Piper: text in, speech out. `model.py` runs in the engine, `tts.py` in a LiveKit worker."""
