"""One call to the stock agent."""

from collections.abc import AsyncIterator
from typing import Any, cast

from livekit import rtc
from livekit.agents import Agent, AgentSession, JobContext, llm
from livekit.agents import ModelSettings as LiveKitModelSettings

from agent.call import INTERRUPT_METHOD
from agent.prompting import Prompt, Prompting, answer_rules
from agent.prompts import read_stock
from bench.stock.adapters import LLM, PROMPT, STT, TTS, as_engine
from bench.stock.models import Models


class StockAgent(Agent):
    """Searches when the turn is over, then answers."""

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
        async with model.chat(chat_ctx=chat_ctx, extra_kwargs={PROMPT: self._prompt}) as stream:
            async for chunk in stream:
                yield chunk


async def serve_call(job: JobContext) -> None:
    """One call, with the models that this process holds."""
    models: Models = job.proc.userdata["models"]
    await job.connect()
    session = AgentSession[None](
        stt=STT(models.whisper),
        llm=LLM(models.answers),
        tts=TTS(models.voice),
        vad=job.proc.userdata["vad"],
        turn_handling={
            "turn_detection": "vad",
            "interruption": {"mode": "vad"},
            "preemptive_generation": {"enabled": False},
        },
    )
    rules = answer_rules(job.proc.userdata["settings"])
    prompting = Prompting(as_engine(models.documents), rules, documents_on=lambda: True)

    async def be_quiet(_: rtc.RpcInvocationData) -> str:
        await session.interrupt(force=True)
        return ""

    job.room.local_participant.register_rpc_method(INTERRUPT_METHOD, be_quiet)
    await session.start(StockAgent(prompting), room=job.room, session_host=False, record=False)
