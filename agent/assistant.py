"""The agent in a call: greets, retrieves, answers and speaks; when the models fail it says so and keeps the turn."""

from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any, cast

from livekit import rtc
from livekit.agents import Agent, FlushSentinel, ModelSettings, llm, stt
from livekit.agents.types import TimedString

from agent.apology import PATIENCE_S, is_back, with_apology
from agent.citing import cited
from agent.history import last_question
from agent.overhearing import Overhearing
from agent.pacing import Playhead, in_step, word_by_word
from agent.phrases import ONE_MOMENT, Phrases
from agent.playout import Playout
from agent.prompting import Prompt, Prompting, chat_context
from agent.recording import Recording
from agent.remembered import Remembered
from agent.waterfall import Waterfall
from plugins.client import EngineClient

Reply = AsyncIterator[llm.ChatChunk | str | FlushSentinel]


class Assistant(Agent):
    """One call's agent. `is_told` says whether the caller already knows that the engine is away.

    `history` is what was said before this agent took the call on, `open_question` what nobody has answered yet.
    `phrases` may be replaced while the call runs, once they are rendered; `recording` hears the caller if there is one.
    """

    def __init__(
        self,
        *,
        engine: EngineClient,
        prompting: Prompting,
        waterfall: Waterfall,
        phrases: Phrases,
        greeting: str,
        history: llm.ChatContext | None = None,
        open_question: str = "",
        is_told: Callable[[], bool] = lambda: False,
        overhearing: Overhearing | None = None,
    ) -> None:
        super().__init__(instructions="", chat_ctx=history)  # prompts are made per turn, in `llm_node`
        self.phrases = phrases
        self._engine = engine
        self._prompting = prompting
        self._waterfall = waterfall
        self._greeting = greeting
        self._open_question = open_question
        self._is_told = is_told
        self._overhearing = overhearing
        self.playhead = Playhead()
        self.recording: Recording | None = None

    async def on_enter(self) -> None:
        """Greet the caller aloud, and answer what is open."""
        if isinstance(output := self.session.output.audio, Playout):
            self.playhead.follow(output)
        self.session.say(self._greeting)
        if self._open_question:
            question = llm.ChatMessage(role="user", content=[self._open_question])
            self.session.generate_reply(user_input=question, input_modality="audio")

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        """Transcripts of the caller; of what is said while the agent speaks, only what is meant for it."""
        listening = self._overhearing
        async for event in Agent.default.stt_node(self, self._overheard(audio), model_settings):
            if listening is None or listening.transcript(event):
                yield event

    async def _overheard(self, audio: AsyncIterable[rtc.AudioFrame]) -> AsyncIterator[rtc.AudioFrame]:
        async for frame in audio:
            if self._overhearing:
                self._overhearing.frame(frame)
            if self.recording:
                self.recording.hear(frame)
            yield frame

    async def llm_node(self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings) -> Reply:
        """Answer the last question: retrieval, prompt, model. May run ahead of the end of the turn.

        If a model goes away, the caller hears an apology; the turn is answered once it is back.
        """
        question = last_question(chat_ctx)
        if question is None:
            return
        pieces = with_apology(
            lambda: self._answer(chat_ctx, question, tools, model_settings),
            sorry=self._write_sorry,
            come_back=self._engine_is_back,
            what="answer",
        )
        async for piece in pieces:
            yield piece

    async def _answer(
        self,
        chat_ctx: llm.ChatContext,
        question: llm.ChatMessage,
        tools: list[llm.Tool],
        model_settings: ModelSettings,
    ) -> Reply:
        turn = self._waterfall.begin(question.id)
        prompt = await self._prompting.prompt(chat_ctx, question)
        self._waterfall.retrieved(turn)
        async with self._chat(prompt, tools, model_settings) as stream:
            async for chunk in stream:
                if chunk.delta and chunk.delta.content:
                    self._waterfall.text(turn, chunk.delta.content)
                yield chunk
        self._waterfall.answered(turn, cited(turn.answer, prompt.retrieval))

    def _chat(self, prompt: Prompt, tools: list[llm.Tool], model_settings: ModelSettings) -> llm.LLMStream:
        model = cast("llm.LLM[Any]", self.session.llm)
        is_quoting = "grammar" in prompt.options
        return model.chat(
            chat_ctx=chat_context(prompt.messages),
            tools=[] if is_quoting else tools,
            tool_choice=model_settings.tool_choice,
            conn_options=self.session.conn_options.llm_conn_options,
            extra_kwargs=prompt.options,
        )

    async def tts_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncIterator[rtc.AudioFrame]:
        """Speak `text`; the phrases for bad moments come from their recordings.

        If the voice goes away, the caller hears an apology, and the whole text once it is back.
        """
        words = Remembered(text)
        try:
            phrase = await words.while_it(self.phrases.opening)
            if phrase in self.phrases.audio:
                frames = self.phrases.frames(phrase)
            else:
                frames = with_apology(
                    lambda: Agent.default.tts_node(self, words, model_settings),
                    sorry=self.phrases.frames,
                    come_back=self._engine_is_back,
                    what="speech",
                )
            async for frame in frames:
                yield frame
        finally:
            await words.aclose()

    async def transcription_node(
        self, text: AsyncIterable[str | TimedString], model_settings: ModelSettings
    ) -> AsyncIterator[str | TimedString]:
        """Captions, word by word: as they are heard, or without a voice as they are written."""
        output = self.session.output
        has_voice = output.audio_enabled and output.audio is not None
        async for word in in_step(text, self.playhead) if has_voice else word_by_word(text):
            if self._overhearing:
                self._overhearing.said(word)
            yield word

    async def _engine_is_back(self) -> bool:
        return await is_back(self._engine, within_s=PATIENCE_S)

    async def _write_sorry(self, apology: str) -> Reply:
        """An apology in a segment of its own, unless the caller has just heard it."""
        if apology == ONE_MOMENT and self._is_told():
            return
        yield apology
        yield FlushSentinel()
