"""Models of random numbers, which understand nothing, used the usual way: they are told what a good one would do.

Each library works as it always does on as many tokens as the script's words have. Temperature fallbacks, which random
numbers would always ask for, are off.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llama_cpp

from agent.settings import Settings
from bench.shapes.answering import LIKELIEST, answer_to
from bench.shapes.hearing import TOKENS_OF_AN_END
from bench.shapes.script import Script
from bench.stock.models import LLAMA, Answers, Documents, Models, Voice, Whisper
from plugins.audio import Float

END = "<|endoftext|>"
BEFORE_TEXT_TOKENS = 2
"""An English Whisper's prompt. CTranslate2 decodes half as many tokens as prompt and limit are together."""


class ScriptedWhisper(Whisper):
    """Decodes as many tokens as the script's words have, and then says those."""

    def __init__(self, path: Path, *, script: Script) -> None:
        super().__init__(path)
        self._script = script

    def words_in(self, audio: Float) -> str:
        """The words of the script that the utterance is; none if it is no line of it."""
        text = " ".join(word.text for word in self._script.words_of(audio))
        tokenizer = self._model.hf_tokenizer
        segments, _ = self._model.transcribe(
            audio,
            language="en",
            temperature=0.0,
            without_timestamps=True,
            suppress_tokens=[-1, int(tokenizer.token_to_id(END) or 0)],
            max_new_tokens=2 * (len(tokenizer.encode(f" {text}").ids) + TOKENS_OF_AN_END) - BEFORE_TEXT_TOKENS,
        )
        for _ in segments:  # the work is done as they are asked for
            pass
        return text


class Insisting(llama_cpp.Llama):
    """Makes the script's next token the likeliest; what is then sampled, and how, is the library's."""

    _wanted: Iterator[int] = iter(())

    def create_chat_completion(self, messages: list[Any], *arguments: Any, **options: Any) -> Any:
        """As the library's, of the answer that `answer_to` gives."""
        answer = self.tokenize(answer_to(messages).encode(), add_bos=False, special=False)
        self._wanted = iter([*answer, self.token_eos()])
        return super().create_chat_completion(messages, *arguments, **options)

    def sample(self, *arguments: Any, **options: Any) -> int:
        """As the library's."""
        if (token := next(self._wanted, None)) is not None:
            llama_cpp.llama_get_logits_ith(self.ctx, -1)[token] = LIKELIEST
        return super().sample(*arguments, **options)


def load_scripted(settings: Settings, script: Path) -> Models:
    """The models of the settings, which follow a script."""
    models = settings.models
    return Models(
        whisper=ScriptedWhisper(models.whisper, script=Script.load(script)),
        answers=Answers(Insisting(str(models.llama), **LLAMA), settings.answer),
        voice=Voice(models.voice),
        documents=Documents(settings),
    )
