"""The same models used the usual way, as a LiveKit agent of its own: what the speculative turn is compared with.

Whole utterances to Whisper, turns ended by voice activity at the library's defaults, retrieval when the turn is over,
speech sentence by sentence, nothing begun ahead. `python -m bench stock` serves it beside a running system.
"""

import math
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

from livekit import rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, JobExecutorType, inference, llm, stt, tts
from livekit.agents import ModelSettings as LiveKitModelSettings

from agent.call import INTERRUPT_METHOD, prewarm
from agent.discretion import be_discreet
from agent.prompting import Prompt, Prompting, answer_rules, chat_context
from agent.prompts import read_stock
from agent.settings import Settings, load
from agent.worker import stay_local
from plugins.client import EngineClient
from plugins.llama.llm import LLM
from plugins.piper.tts import TTS
from plugins.whisper.stt import STT

AGENT_NAME = "stock"
READY = "stock agent registered"


class WholeUtterances(STT):
    """Our Whisper without streaming: LiveKit collects an utterance and asks once."""

    def __init__(self, engine: EngineClient) -> None:
        super().__init__(engine)
        self._capabilities = stt.STTCapabilities(streaming=False, interim_results=False)


class WholeSentences(TTS):
    """Our Piper without streaming: LiveKit cuts sentences and asks for each."""

    def __init__(self, engine: EngineClient) -> None:
        super().__init__(engine)
        self._capabilities = tts.TTSCapabilities(streaming=False)


class StockAgent(Agent):
    """Retrieves in the hook, then answers."""

    def __init__(self, prompting: Prompting) -> None:
        super().__init__(instructions="")
        self._prompting = prompting
        self._prompt: Prompt | None = None

    async def on_enter(self) -> None:
        self.session.say(read_stock()["greeting"].text)

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        chat = turn_ctx.copy()
        chat.items.append(new_message)
        self._prompt = await self._prompting.prompt(chat, new_message)

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: LiveKitModelSettings
    ) -> AsyncIterator[llm.ChatChunk]:
        if self._prompt is None:
            return
        model = cast("llm.LLM[Any]", self.session.llm)
        messages = chat_context(self._prompt.messages)
        async with model.chat(chat_ctx=messages, extra_kwargs=self._prompt.options) as stream:
            async for chunk in stream:
                yield chunk


async def serve_call(job: JobContext) -> None:
    """One call."""
    settings: Settings = job.proc.userdata["settings"]
    engine = EngineClient(settings.engine.url)
    await job.connect()
    session = AgentSession[None](
        stt=WholeUtterances(engine),
        llm=LLM(engine, call_id=job.room.name),
        tts=WholeSentences(engine),
        vad=inference.VAD(),
        turn_handling={
            "turn_detection": "vad",
            "interruption": {"mode": "vad"},
            "preemptive_generation": {"enabled": False},
        },
    )
    prompting = Prompting(engine, answer_rules(settings), documents_on=lambda: True)

    async def be_quiet(_: rtc.RpcInvocationData) -> str:
        await session.interrupt(force=True)
        return ""

    job.room.local_participant.register_rpc_method(INTERRUPT_METHOD, be_quiet)
    await session.start(StockAgent(prompting), room=job.room, session_host=False, record=False)


def tell_ready(*_: object) -> None:
    """Whoever started us waits for this line."""
    print(READY, flush=True)


async def serve() -> None:
    """Register and take calls until terminated."""
    settings = load()
    stay_local(with_turn_model=False)
    be_discreet()
    server = AgentServer(
        job_executor_type=JobExecutorType.PROCESS,
        ws_url=settings.livekit_url,
        api_key=settings.livekit.api_key,
        api_secret=settings.livekit.api_secret.get_secret_value(),
        host="127.0.0.1",
        port=0,
        http_proxy=None,
        num_idle_processes=1,
        setup_fnc=partial(prewarm, settings=settings),
        load_threshold=math.inf,
    )
    server.rtc_session(serve_call, agent_name=AGENT_NAME)
    server.on("worker_registered", tell_ready)
    await server.run(devmode=False)
