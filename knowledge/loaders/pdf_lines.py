"""A program of its own: a PDF on standard input, its lines as JSON on standard output.

It runs apart from the ingest because a PDF can take hours or all memory; imports nothing of this project.
`{"title": str, "pages": [[[text, size, top], …], …]}`, or `{"error": "encrypted" | "damaged", "why": str}`.
"""

import json
import logging
import resource
import sys
from io import BytesIO
from typing import Any

MAX_MEMORY_BYTES = 3_000_000_000
MAX_PROCESSOR_S = 600

Line = tuple[str, float, float]
"""Its words, the size of its largest letters, and its distance from the bottom of the page, in points."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_PROCESSOR_S, MAX_PROCESSOR_S))
    logging.disable(logging.CRITICAL)
    json.dump(read(sys.stdin.buffer.read()), sys.stdout)


def read(data: bytes) -> dict[str, Any]:
    """Everything that is written in a PDF."""
    from pypdf import PasswordType, PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(BytesIO(data))
        if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
            return {"error": "encrypted", "why": ""}
        title = str((reader.metadata.title if reader.metadata else "") or "")
        return {"title": title, "pages": [lines_of(page) for page in reader.pages]}
    except MemoryError:
        return {"error": "damaged", "why": "it takes too much memory to read"}
    except RecursionError:
        return {"error": "damaged", "why": "its parts are nested too deeply"}
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        return {"error": "damaged", "why": f"it is not a whole PDF ({type(error).__name__})"}


def lines_of(page: Any) -> list[Line]:
    """The lines of one page in the order in which they are drawn."""
    lines: list[Line] = []
    words, size, top = "", 0.0, 0.0

    def take(text: str, cm: list[float], tm: list[float], _: object, font_size: float) -> None:
        nonlocal words, size, top
        first, *others = text.split("\n")
        for place, part in enumerate([first, *others]):
            if place:
                lines.append((" ".join(words.split()), size, top))
                words, size = "", 0.0
            if part.strip():
                size = max(size, abs(font_size * scale(tm) * scale(cm)))
                top = tm[5] * cm[3] + cm[5]
            words += part

    page.extract_text(visitor_text=take)
    lines.append((" ".join(words.split()), size, top))
    return [line for line in lines if line[0]]


def scale(matrix: list[float]) -> float:
    """By how much a transformation enlarges heights."""
    return (matrix[2] ** 2 + matrix[3] ** 2) ** 0.5


if __name__ == "__main__":
    main()
