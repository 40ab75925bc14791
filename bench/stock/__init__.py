"""The same models used the usual way, as a LiveKit agent of its own: what ours is compared with.

The usual way is what each library's own introduction shows, put into LiveKit's documented places. The weights, the
documents, the prompts and the rules for answers are ours; all else is the libraries':

- The process that has the call holds the models, each an object of its library, called in a thread of its own. Inside,
  Whisper has a thread for each core (its own default means larger machines), the others have their libraries' defaults.
  All are loaded and tried out before the call is taken; nothing is loaded later.
- Hearing: LiveKit collects an utterance until its voice detector has heard its usual silence; then
  `faster_whisper.WhisperModel.transcribe` with the library's defaults (thirty seconds' window, five beams) and
  `language="en"`.
- The turn ends by voice activity at LiveKit's defaults, and nothing is begun before.
- Documents: searched in `on_user_turn_completed`, as LiveKit's guide has it. The search is ours, in this process.
- Answering: `llama_cpp.Llama.create_chat_completion`, streamed, with our grammar where answers are quoted. The object
  keeps the beginning of the prompt that it read last, as it always does.
- Speaking: `piper.PiperVoice.synthesize`, sentence by sentence as LiveKit cuts them.

With models of random numbers (`bench/shapes`) the same calls are made. Only what such models cannot know is told them:
`scripted` says how many tokens Whisper has to decode and which ones the answer consists of.

`models` is the libraries, `adapters` what LiveKit calls, `agent` one call, `worker` the process that takes calls.
"""
