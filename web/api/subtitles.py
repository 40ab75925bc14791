"""Words with times as subtitles: short lines that change where a sentence ends or somebody pauses."""

from collections.abc import Iterator, Sequence

from .backend import Word

MAX_CHARS = 80
MAX_S = 6.0
PAUSE_S = 0.8


def srt(words: Sequence[Word]) -> str:
    """A SubRip file."""
    blocks = [
        f"{number}\n{_time(cue[0].start_s, ',')} --> {_time(cue[-1].end_s, ',')}\n{_text(cue)}\n"
        for number, cue in enumerate(cues(words), start=1)
    ]
    return "\n".join(blocks)


def vtt(words: Sequence[Word]) -> str:
    """A WebVTT file."""
    blocks = [
        f"{_time(cue[0].start_s, '.')} --> {_time(cue[-1].end_s, '.')}\n{_escaped(_text(cue))}\n" for cue in cues(words)
    ]
    return "\n".join(("WEBVTT\n", *blocks))


def cues(words: Sequence[Word]) -> Iterator[list[Word]]:
    """The words that are shown together."""
    cue: list[Word] = []
    for word in words:
        if cue and _is_full(cue, word):
            yield cue
            cue = []
        cue.append(word)
    if cue:
        yield cue


def _is_full(cue: Sequence[Word], word: Word) -> bool:
    last = cue[-1]
    return (
        last.text.rstrip().endswith((".", "?", "!"))
        or word.start_s - last.end_s >= PAUSE_S
        or word.end_s - cue[0].start_s > MAX_S
        or len(_text([*cue, word])) > MAX_CHARS
    )


def _text(cue: Sequence[Word]) -> str:
    return " ".join(word.text.strip() for word in cue)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float, mark: str) -> str:
    milliseconds = round(1000 * seconds)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    whole, rest = divmod(milliseconds, 1000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{whole:02}{mark}{rest:03}"
