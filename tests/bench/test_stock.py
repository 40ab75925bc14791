"""The libraries used the usual way do, with random numbers as well, what they are asked and no more."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from faster_whisper import WhisperModel
from livekit import rtc
from livekit.agents import llm, tts

from agent.caller.voice import speech
from agent.prompting import Prompt
from agent.quote import grammar_of, quote_messages
from agent.settings import STARTER, AnswerSettings
from bench.shapes.hearing import TOKENS_OF_AN_END
from bench.shapes.llama import LlamaShape, write_llama
from bench.shapes.script import Script
from bench.shapes.whisper import write_whisper
from bench.stock.adapters import LLM, PROMPT, TTS, whole
from bench.stock.models import LLAMA, WHISPER_RATE_HZ, Answers, Voice, Whisper
from bench.stock.scripted import Insisting, ScriptedWhisper
from plugins.audio import pcm_from_float
from training.stt.model import Shape

ASKED = "what time is breakfast"
LINE = 'Breakfast is served from 7 am to 10:30, and the bell says "ding".'


def asked() -> Any:
    return speech(ASKED, sample_rate_hz=WHISPER_RATE_HZ)


def quoting(line: str) -> Prompt:
    return Prompt(quote_messages((line,), ASKED), {"grammar": grammar_of((line,))}, {})


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    path = tmp_path_factory.mktemp("llama") / "model.gguf"
    write_llama(path, LlamaShape(layers=2, width=64, heads=2, key_heads=1, hidden=256, vocabulary=4000))
    yield Answers(Insisting(str(path), **LLAMA), AnswerSettings())


def test_whisper_hears_a_whole_utterance() -> None:
    assert Whisper(STARTER / "whisper").words_in(asked()).lower().startswith("what time is breakfast")


def test_scripted_whisper_decodes_once_as_many_tokens_as_the_script_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, decode = list[int](), WhisperModel.generate_with_fallback

    def watched(*arguments: Any, **options: Any) -> Any:
        found = decode(*arguments, **options)
        decoded.append(len(found[0].sequences_ids[0]))
        return found

    monkeypatch.setattr(WhisperModel, "generate_with_fallback", watched)
    write_whisper(tmp_path, Shape(vocabulary=5000, width=64, heads=2, encoder_layers=1, decoder_layers=1))
    whisper = ScriptedWhisper(tmp_path, script=Script({ASKED: asked()}))
    assert whisper.words_in(np.pad(asked(), 1600)) == ASKED
    assert decoded == [len(ASKED.split()) + TOKENS_OF_AN_END]


def test_random_numbers_quote_in_the_scripts_own_tokens(answers: Answers) -> None:
    assert "".join(answers.deltas(quoting(LINE))) == LINE
    again = list(answers.deltas(quoting("We open at nine.")))
    assert "".join(again) == "We open at nine."
    assert len(again) <= 8, "words, not letters"


async def test_an_answer_that_is_given_up_leaves_the_model_to_the_next(answers: Answers) -> None:
    model = LLM(answers)
    for line in (LINE, "Dogs are welcome."):
        text = ""
        async with model.chat(chat_ctx=llm.ChatContext.empty(), extra_kwargs={PROMPT: quoting(line)}) as stream:
            async for chunk in stream:
                text += (chunk.delta.content or "") if chunk.delta else ""
                if line == LINE:
                    break
    assert text == "Dogs are welcome."


async def test_a_sentence_is_spoken_as_a_whole() -> None:
    said = list[str]()

    def sound_of(sentence: str) -> bytes:
        said.append(sentence)
        return bytes(2 * 22_050)

    voice = SimpleNamespace(rate_hz=22_050, thread=ThreadPoolExecutor(1), sound_of=sound_of)
    async with TTS(cast(Voice, voice)).synthesize("We open at nine.") as spoken:
        audio: list[tts.SynthesizedAudio] = [piece async for piece in spoken]
    assert said == ["We open at nine."]
    assert sum(piece.frame.duration for piece in audio) == pytest.approx(1.0, abs=0.05)


def test_an_utterance_reaches_whisper_at_its_rate() -> None:
    frame = rtc.AudioFrame(pcm_from_float(np.zeros(24_000, np.float32)), 24_000, 1, 24_000)
    assert whole([frame, frame]).size == pytest.approx(2 * WHISPER_RATE_HZ, rel=0.02)
