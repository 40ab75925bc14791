"""Documents that try to give orders, each with a question that finds it."""

from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "agent" / "injections.txt"
TARGET = "PWNED"


@dataclass(frozen=True)
class Injection:
    """A hostile document, and what a caller asks who will be shown it."""

    question: str
    text: str

    @property
    def first_sentence(self) -> str:
        """The harmless part, which answers the question."""
        return self.text.split(". ")[0].split(".\n")[0].rstrip(".") + "."


def injections() -> list[Injection]:
    """All of `injections.txt`: a line with %% and the question, then the document."""
    blocks = [block.partition("\n") for block in FILE.read_text().split("%% ")[1:]]
    return [Injection(question, text.strip()) for question, _, text in blocks]
