"""PDF: paragraphs with the pages they stand on. Read in a process of its own, within a time and a memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from knowledge.errors import DamagedDocument, EncryptedDocument, ScannedDocument, SlowDocument
from knowledge.loaders.pages import Line, compose
from knowledge.prose import Parsed

MAX_READING_S = 300.0
_READER = Path(__file__).with_name("pdf_lines.py")


def load_pdf(data: bytes, source: str, *, max_s: float = MAX_READING_S) -> Parsed:
    """Read a PDF. Raises `EncryptedDocument`, `ScannedDocument`, `SlowDocument` after `max_s`, `DamagedDocument`."""
    found = _read(data, source, max_s=max_s)
    match found.get("error"):
        case "encrypted":
            raise EncryptedDocument(source)
        case "damaged":
            raise DamagedDocument(source, found["why"])
        case _:
            pages = [[Line(*line) for line in page] for page in found["pages"]]
    if not any(pages):
        raise ScannedDocument(source, pages=len(pages))
    parsed = compose(pages, title=" ".join(found["title"].split()) or None)
    return Parsed(title=parsed.title, blocks=parsed.blocks, note=_note(pages))


def _read(data: bytes, source: str, *, max_s: float) -> dict[str, Any]:
    command = [sys.executable, "-I", str(_READER)]
    try:
        # A session of its own: Ctrl-C is for the ingest, which finishes what it has begun.
        done = subprocess.run(command, input=data, capture_output=True, timeout=max_s, start_new_session=True)
    except subprocess.TimeoutExpired as error:
        raise SlowDocument(source, limit_s=max_s) from error
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise DamagedDocument(source, "it is not a whole PDF, or takes too much memory to read") from error


def _note(pages: list[list[Line]]) -> str:
    """Which pages have no text; "" if all have."""
    silent = [str(number) for number, page in enumerate(pages, start=1) if not page]
    if not silent:
        return ""
    shown = ", ".join(silent[:10]) + (" and others" if len(silent) > 10 else "")
    return f"no text on {len(silent)} of {len(pages)} pages ({shown}); if these are scanned, run OCR on them"
