"""Footnotes and endnotes of a Word document, which lie in parts that the library leaves closed."""

from collections.abc import Iterator
from typing import Any

from knowledge.loaders.docx_markup import PARAGRAPH, WORD, flatten

_PARTS = ("/footnotes", "/endnotes")
"""How the kinds of the two parts end."""
_NOTES = {f"{WORD}footnoteReference": f"{WORD}footnote", f"{WORD}endnoteReference": f"{WORD}endnote"}
_NUMBER, _TEXT = f"{WORD}id", f"{WORD}t"

Key = tuple[str, str]


class Notes:
    """The notes of a document, to be read where they are referred to."""

    def __init__(self, document: Any) -> None:
        self._texts: dict[Key, list[str]] = {}
        for relation in document.part.rels.values():
            if not relation.is_external and relation.reltype.endswith(_PARTS):
                self._texts |= _read(relation.target_part.blob)

    def of(self, element: Any) -> Iterator[str]:
        """The paragraphs of the notes that an lxml element refers to, in its order."""
        for reference in element.iter(*_NOTES):
            yield from self._texts.get((_NOTES[reference.tag], reference.get(_NUMBER, "")), ())


def _read(part: bytes) -> dict[Key, list[str]]:
    from docx.oxml import parse_xml

    root: Any = parse_xml(part)
    flatten(root)
    return {(note.tag, note.get(_NUMBER, "")): list(_paragraphs(note)) for note in root.iter(*_NOTES.values())}


def _paragraphs(note: Any) -> Iterator[str]:
    for paragraph in note.iter(PARAGRAPH):
        if text := " ".join("".join(run.text or "" for run in paragraph.iter(_TEXT)).split()):
            yield text
