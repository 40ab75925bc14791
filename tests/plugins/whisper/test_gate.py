"""Silence never reaches the engine; speech does, with a little before it, and once."""

from plugins.whisper.gate import BYTES_PER_S, Audio, Command, End, GateSettings, Resume, SpeechGate, Start

WINDOW_S = 0.032
WINDOW_BYTES = round(WINDOW_S * BYTES_PER_S)


def window(mark: int) -> bytes:
    """A window whose samples all are `mark`, so that it can be told from others."""
    return mark.to_bytes(2, "little") * (WINDOW_BYTES // 2)


def hear(gate: SpeechGate, *, windows: int, quiet: bool = False, first_mark: int = 1) -> list[Command]:
    """Feed windows of speech, or of growing silence."""
    return [
        command
        for index in range(windows)
        for command in gate.window(window(first_mark + index), silence_s=(index + 1) * WINDOW_S if quiet else 0.0)
    ]


def kinds(commands: list[Command]) -> list[str]:
    return [type(command).__name__ for command in commands]


def pcm(commands: list[Command]) -> bytes:
    return b"".join(command.pcm for command in commands if isinstance(command, Audio))


def test_silence_is_not_sent() -> None:
    assert hear(SpeechGate(), windows=100, quiet=True) == []


def test_speech_begins_with_what_was_heard_just_before() -> None:
    gate = SpeechGate(GateSettings(pre_roll_s=3 * WINDOW_S))
    hear(gate, windows=10)
    start, audio = gate.start()
    assert start == Start(7 * WINDOW_S)
    assert audio == Audio(window(8) + window(9) + window(10))


def test_speech_at_once_begins_with_all_there_is() -> None:
    gate = SpeechGate()
    hear(gate, windows=2)
    assert gate.start() == [Start(0.0), Audio(window(1) + window(2))]


def test_speech_is_sent_as_it_is_heard() -> None:
    gate = SpeechGate()
    gate.start()
    assert hear(gate, windows=2) == [Audio(window(1)), Audio(window(2))]


def test_a_short_silence_asks_for_the_transcript_once() -> None:
    gate = SpeechGate(GateSettings(preflight_silence_s=0.08))
    gate.start()
    assert kinds(hear(gate, windows=7, quiet=True)) == ["Audio", "Audio", "Audio", "Preflight"]


def test_silence_after_the_preflight_is_never_sent_if_the_speech_ends() -> None:
    gate = SpeechGate()
    gate.start()
    heard = hear(gate, windows=8, quiet=True)
    assert gate.end() == [End()]
    assert len(pcm(heard)) == 3 * WINDOW_BYTES


def test_speech_that_goes_on_takes_the_silence_with_it() -> None:
    gate = SpeechGate()
    gate.start()
    hear(gate, windows=5, quiet=True)
    assert hear(gate, windows=2, first_mark=10) == [
        Resume(),
        Audio(window(4) + window(5) + window(10)),
        Audio(window(11)),
    ]


def test_each_pause_asks_anew() -> None:
    gate = SpeechGate()
    gate.start()
    for _ in range(3):
        assert kinds(hear(gate, windows=5, quiet=True)).count("Preflight") == 1
        assert kinds(hear(gate, windows=1)) == ["Resume", "Audio"]


def test_the_next_utterance_may_begin_in_the_silence_after_the_last() -> None:
    gate = SpeechGate(GateSettings(pre_roll_s=2 * WINDOW_S))
    gate.start()
    hear(gate, windows=8, quiet=True)
    gate.end()
    assert gate.start() == [Start(6 * WINDOW_S), Audio(window(7) + window(8))]


def test_no_audio_is_lost_or_sent_twice_between_pauses() -> None:
    gate = SpeechGate()
    sent = gate.start()
    for quiet in (False, True, False, True, False):
        sent += hear(gate, windows=6, quiet=quiet)
    assert len(pcm(sent)) == 30 * WINDOW_BYTES


def test_very_long_speech_is_divided_at_a_short_silence() -> None:
    gate = SpeechGate(GateSettings(soft_limit_s=1.0, hard_limit_s=2.0))
    gate.start()
    assert "End" not in kinds(hear(gate, windows=40))
    assert kinds(hear(gate, windows=1, quiet=True)) == ["Audio", "End", "Start"]
    assert gate.is_open


def test_speech_without_a_pause_is_divided_all_the_same() -> None:
    gate = SpeechGate(GateSettings(soft_limit_s=1.0, hard_limit_s=2.0))
    gate.start()
    commands = hear(gate, windows=63)
    assert kinds(commands)[-2:] == ["End", "Start"]
    assert commands[-1] == Start(63 * WINDOW_S)


def test_an_end_or_a_second_start_out_of_turn_does_nothing() -> None:
    gate = SpeechGate()
    assert gate.end() == []
    gate.start()
    assert gate.start() == []
