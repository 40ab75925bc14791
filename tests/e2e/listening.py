"""What end-to-end tests need besides the scripted caller: questions with their key facts, and ears for the agent."""

import json
from dataclasses import dataclass

import numpy as np

from agent.caller.conversation import Caller
from agent.caller.line import RATE_HZ
from agent.caller.report import TurnReport
from agent.caller.script import CallScript, Say
from agent.settings import ROOT
from plugins.audio import Float, pcm_from_float, resample
from plugins.client import EngineClient
from training.stt.text import spoken
from training.stt.wer import total

QUESTIONS = ROOT / "training" / "questions"
WHISPER_HZ = 16_000


@dataclass(frozen=True)
class Question:
    """A held-out question and the words that its answer must hold, one of several ways to say them."""

    text: str
    keys: tuple[str, ...]

    def is_answered_by(self, answer: str) -> bool:
        """Whether one of the keys stands in the written answer."""
        return any(key in answer.lower() for key in self.keys)

    def is_heard_in(self, transcript: str) -> bool:
        """Whether most words of a key stand in what a recogniser heard of the answer."""
        heard = set(transcript.split())
        return any(len(words & heard) >= 0.6 * len(words) for words in (set(spoken(key).split()) for key in self.keys))


def held_out(count: int) -> list[Question]:
    """`count` held-out questions spread over all demo documents."""
    rows = json.loads((QUESTIONS / "demo_heldout.json").read_text())
    step = len(rows) // count
    return [Question(row["question"], tuple(row["key"].split("|"))) for row in rows[::step]][:count]


@dataclass(frozen=True)
class Heard:
    """One spoken turn, and the agent's side of it as 48 kHz audio."""

    question: Question
    report: TurnReport
    agent: Float


async def ask_aloud(caller: Caller, questions: list[Question], *, script: CallScript | None = None) -> list[Heard]:
    """Speak the questions one after the other."""
    script = script or CallScript([Say(question.text) for question in questions])
    heard: list[Heard] = []
    for question in questions:
        audio = script.audio(Say(question.text), sample_rate_hz=RATE_HZ)
        before = caller.tape.side(1).size
        report = await caller.say(audio, text=question.text)
        heard.append(Heard(question, report, caller.tape.side(1)[before:]))
    return heard


async def transcribe(engine: EngineClient, audio: Float, *, from_hz: int = RATE_HZ) -> str:
    """What the engine's own Whisper hears, in pieces of speech between pauses."""
    mono = resample(audio, from_hz=from_hz, to_hz=WHISPER_HZ)
    texts: list[str] = []
    async with engine.transcription("en") as socket:
        events = aiter(socket)
        for piece in utterances(mono):
            await socket.start()
            await socket.send(pcm_from_float(piece))
            await socket.end()
            async for event in events:
                if event["type"] == "final":
                    texts.append(event["text"])
                    break
    return " ".join(texts)


def utterances(audio: Float, *, pause_s: float = 0.25, quiet: float = 0.01) -> list[Float]:
    """Stretches of sound divided by pauses, with a little silence around each."""
    window = WHISPER_HZ // 50
    loud = [float(np.abs(audio[at : at + window]).max()) > quiet for at in range(0, audio.size - window, window)]
    pieces: list[Float] = []
    start, last = None, 0
    for index, is_loud in enumerate([*loud, *[False] * 100]):
        if is_loud:
            start, last = index if start is None else start, index
        elif start is not None and (index - last) * window > pause_s * WHISPER_HZ:
            pieces.append(audio[max(0, start - 8) * window : (last + 9) * window])
            start = None
    return pieces


def word_error_rate(pairs: list[tuple[str, str]]) -> float:
    """Errors over words for (wanted, got) pairs, both as they are spoken."""
    return total([(spoken(wanted), spoken(got)) for wanted, got in pairs]).rate
