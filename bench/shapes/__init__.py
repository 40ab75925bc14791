"""Standard models without their weights: what a turn costs with Whisper base.en, Qwen2.5 and a medium Piper.

`build` makes them on first use: `whisper`, `llama` and `voice` write real files of random numbers, `pieces` their
vocabularies. Random weights understand nothing, so `script` knows what the callers will say, `hearing` does
Whisper's whole work and then says that, and `answering` makes the language model want what a good answer would say.
`stage` runs the machine with them.
"""
