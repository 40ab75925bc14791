"""Bytes to text, or a refusal that says what they are instead."""

from knowledge.errors import BinaryDocument, UndecodableDocument

_MAGIC = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP, DOCX or similar archive",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "a program",
    b"RIFF": "audio or video",
    b"OggS": "audio",
    b"ID3": "audio",
    b"{\\rtf": "a rich-text file",
}
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SNIFFED_BYTES = 65_536
_MOST_CONTROL_SHARE = 0.02


def decode(data: bytes, source: str) -> str:
    """Text of a file in UTF-8, or UTF-16 with its mark; line ends as "\\n".

    Raises `BinaryDocument` or `UndecodableDocument`.
    """
    encoding = marked_encoding(data)
    if encoding is None:
        refuse_binary(data, source)
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        raise UndecodableDocument(source, at_byte=error.start) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def mended(text: str) -> str:
    """The text with halves of characters replaced (lone surrogates), so that it can be written down as UTF-8."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def marked_encoding(data: bytes) -> str | None:
    """The encoding that a byte-order mark names."""
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)


def refuse_binary(data: bytes, source: str) -> None:
    """Raises `BinaryDocument` if this is no text in an encoding that keeps ASCII."""
    head = data[:_SNIFFED_BYTES]
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise BinaryDocument(source, looks_like=kind)
    if b"\0" in head:
        raise BinaryDocument(source, looks_like="it contains zero bytes")
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    if control > _MOST_CONTROL_SHARE * len(head):
        raise BinaryDocument(source, looks_like="it is full of control characters")
