"""A Whisper of random numbers does its work and says what the script says."""

import numpy as np
import pytest

from agent.caller.voice import speech
from bench.shapes.hearing import TOKENS_OF_AN_END, ScriptedWhisper
from bench.shapes.script import Script
from bench.shapes.whisper import write_whisper
from plugins.whisper.model import Decoding, Utterance
from plugins.whisper.native import Decoded, Native
from plugins.whisper.transcripts import SAMPLE_RATE_HZ
from training.stt.model import Shape

LINES = ("what time is breakfast", "can i bring my dog")
TINY = Shape(vocabulary=5000, width=64, heads=2, encoder_layers=1, decoder_layers=1)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> ScriptedWhisper:
    folder = tmp_path_factory.mktemp("whisper")
    write_whisper(folder, TINY)
    script = Script({line: speech(line, sample_rate_hz=SAMPLE_RATE_HZ) for line in LINES})
    return ScriptedWhisper(folder, script=script, threads=1, device="cpu", decoding=Decoding())


def utterance(text: str, *, want_words: bool = True) -> Utterance:
    audio = np.pad(speech(text, sample_rate_hz=SAMPLE_RATE_HZ), 1600)
    return Utterance(audio, "en", want_words=want_words)


def test_a_batch_is_answered_from_the_script_in_order(whisper: ScriptedWhisper) -> None:
    transcripts = whisper.decode([utterance(LINES[1]), utterance(LINES[0], want_words=False)])
    assert [transcript.text for transcript in transcripts] == [LINES[1], LINES[0]]
    assert [len(transcript.words) for transcript in transcripts] == [5, 0]
    assert all(transcript.is_speech for transcript in transcripts)


def test_what_the_script_does_not_have_is_no_speech(whisper: ScriptedWhisper) -> None:
    silence = Utterance(np.zeros(SAMPLE_RATE_HZ, np.float32), "en")
    assert not whisper.decode([silence])[0].is_speech


def test_every_token_of_the_text_and_its_end_is_decoded(
    whisper: ScriptedWhisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Decoded] = []
    generate = Native.generate

    def watched(*arguments: object, **options: object) -> list[Decoded]:
        decoded.extend(generate(*arguments, **options))  # type: ignore[arg-type]
        return decoded

    monkeypatch.setattr(Native, "generate", watched)
    whisper.decode([utterance(LINES[0])])
    words = len(LINES[0].split())
    assert [len(window.ids) for window in decoded] == [words + TOKENS_OF_AN_END]
