"""What can go wrong with the owner's documents, and the way out of each.

KnowledgeError
├── DocumentError            one document cannot go in; the others can
│   ├── DocumentMissing      no such file or folder
│   ├── DocumentUnreadable   the system refuses to open or read it
│   ├── MisnamedDocument     its path is no text
│   ├── UnsupportedDocument  no loader for this kind of file
│   ├── OversizedDocument    larger than the limit
│   ├── BinaryDocument       not text, whatever its name says
│   ├── UndecodableDocument  text in an encoding that cannot be told
│   ├── DamagedDocument      of its kind, but not whole
│   ├── EncryptedDocument    locked with a password
│   ├── ScannedDocument      pictures of pages, no text
│   ├── SlowDocument         takes longer to read than is sensible
│   ├── NotFetched           a web server or object store does not give it
│   └── EmptyDocument        nothing in it to search
├── EmbedderMissing          the embedding model is not on this machine
├── EmbedderCorrupt          it is there and cannot be loaded
├── NoSuchDevice             PyTorch does not find the GPU that it should run on
├── IndexUnusable            the index's folder holds something else, or a damaged index
├── IndexUnreachable         the object store does not serve the index; retried
├── StorageFull              the disk under the index is full
├── EmbeddingMismatch        the index was made with another embedding model
├── LayoutMismatch           another version of this program wrote the index
├── BackupUnusable           a file is no backup, or a damaged one
└── IndexLocked              another ingest is writing; retried
"""

from pathlib import Path


class KnowledgeError(Exception):
    """Base of all knowledge failures. `code` is stable; `retryable` says whether waiting helps."""

    code = "knowledge_error"
    retryable = False


class DocumentError(KnowledgeError):
    """One document cannot go in. `source` names it, `reason` says why and what to do."""

    code = "document_error"

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class DocumentMissing(DocumentError):
    """There is no such file or folder."""

    code = "document_missing"

    def __init__(self, source: str) -> None:
        super().__init__(source, "there is no such file or folder; check the path")


class DocumentUnreadable(DocumentError):
    """The operating system refuses to open or read the file."""

    code = "document_unreadable"

    def __init__(self, source: str, why: str) -> None:
        super().__init__(source, f"it cannot be read ({why}); check who may read it")


class MisnamedDocument(DocumentError):
    """The name of the file, or of a folder above it, is no text."""

    code = "document_misnamed"

    def __init__(self, source: str) -> None:
        super().__init__(source, "its path is not UTF-8; rename it and ingest it again")


class UnsupportedDocument(DocumentError):
    """No loader knows this kind of file."""

    code = "document_unsupported"

    def __init__(self, source: str, *, known: tuple[str, ...]) -> None:
        super().__init__(source, f"this kind of file is not read yet; save it as one of {', '.join(known)}")


class OversizedDocument(DocumentError):
    """The file is larger than the limit."""

    code = "document_oversized"

    def __init__(self, source: str, *, size_bytes: int, limit_bytes: int) -> None:
        megabytes = f"it has {size_bytes / 1e6:.1f} MB and the limit is {limit_bytes / 1e6:g} MB"
        super().__init__(source, f"{megabytes}; split it, or raise the limit in the settings")


class BinaryDocument(DocumentError):
    """The file is not text, whatever its name says."""

    code = "document_binary"

    def __init__(self, source: str, *, looks_like: str) -> None:
        super().__init__(source, f"it is not text ({looks_like}); export it as text or Markdown first")


class UndecodableDocument(DocumentError):
    """The file is text in an encoding that cannot be told."""

    code = "document_undecodable"

    def __init__(self, source: str, *, at_byte: int) -> None:
        super().__init__(source, f"it is not UTF-8 (first bad byte at {at_byte}); save it as UTF-8 and ingest it again")


class DamagedDocument(DocumentError):
    """The file is of its kind, but not whole."""

    code = "document_damaged"

    def __init__(self, source: str, what: str) -> None:
        super().__init__(source, f"{what}; open it, save it again and ingest it once more")


class EncryptedDocument(DocumentError):
    """The file is locked with a password."""

    code = "document_encrypted"

    def __init__(self, source: str) -> None:
        super().__init__(source, "it is locked with a password; save it without one and ingest it again")


class ScannedDocument(DocumentError):
    """The pages are pictures, without text."""

    code = "document_scanned"

    def __init__(self, source: str, *, pages: int) -> None:
        super().__init__(
            source,
            f"its {pages} page(s) are pictures without text; `ocrmypdf in.pdf out.pdf` adds the text, then ingest that",
        )


class SlowDocument(DocumentError):
    """The file takes longer to read than is sensible."""

    code = "document_slow"

    def __init__(self, source: str, *, limit_s: float) -> None:
        super().__init__(source, f"it was not read within {limit_s:g} s; split it, or print it to a new PDF")


class NotFetched(DocumentError):
    """A web server or object store does not give the document."""

    code = "document_not_fetched"


class EmptyDocument(DocumentError):
    """The document holds nothing to search."""

    code = "document_empty"

    def __init__(self, source: str) -> None:
        super().__init__(source, "there is no text in it; write something, or remove the file")


class EmbedderMissing(KnowledgeError):
    """The embedding model is not where the settings say."""

    code = "embedder_missing"

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"There is no embedding model at {path}. `landline models pull` fetches one; "
            "without the setting, the one installed with the program is used."
        )


class EmbedderCorrupt(KnowledgeError):
    """The embedding model exists and cannot be loaded."""

    code = "embedder_corrupt"

    def __init__(self, path: Path | str, why: str) -> None:
        super().__init__(f"The embedding model at {path} cannot be loaded ({why}). `landline models pull` repairs it.")


class NoSuchDevice(KnowledgeError):
    """The embedding model should run on a GPU that is not there."""

    code = "no_such_device"


class IndexUnusable(KnowledgeError):
    """The index's folder holds something else, or a damaged index."""

    code = "index_unusable"

    def __init__(self, uri: str, why: str) -> None:
        super().__init__(
            f"{uri} cannot be used as the index: {why}. "
            "Move it away or name another folder, then run `landline ingest` on your documents again."
        )


class IndexUnreachable(KnowledgeError):
    """The object store does not serve the index."""

    code = "index_unreachable"
    retryable = True

    def __init__(self, uri: str, why: str) -> None:
        super().__init__(
            f"The index at {uri} cannot be read or written: {why}. "
            "Check KNOWLEDGE_URI, the KNOWLEDGE_S3_… settings, and that the bucket exists."
        )


class StorageFull(KnowledgeError):
    """The disk under the index is full."""

    code = "storage_full"

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"The disk that holds {uri} is full. What was committed is kept: make room, then run this command again."
        )


class BackupUnusable(KnowledgeError):
    """A file is no backup of an index, or a damaged one."""

    code = "backup_unusable"

    def __init__(self, path: Path | str, why: str) -> None:
        super().__init__(f"{path} cannot be restored: {why}.")


class EmbeddingMismatch(KnowledgeError):
    """The index was made with another embedding model; their vectors must never mix."""

    code = "embedding_mismatch"

    def __init__(self, uri: str, *, found: str, wanted: str) -> None:
        super().__init__(
            f"The index at {uri} was made with {found}, and {wanted} is set now. "
            "`landline knowledge reembed` computes all vectors anew; or set the former embedding model again."
        )


class LayoutMismatch(KnowledgeError):
    """The index has the tables of another version of this program."""

    code = "layout_mismatch"

    def __init__(self, uri: str, *, is_older: bool) -> None:
        way_out = (
            "`landline knowledge reembed` rebuilds it from what it holds; no document is needed again."
            if is_older
            else "Update this program, or name another folder and run `landline ingest` on your documents."
        )
        super().__init__(
            f"The index at {uri} was written by {'an older' if is_older else 'a newer'} version. {way_out}"
        )


class IndexLocked(KnowledgeError):
    """Another ingest is writing to the index."""

    code = "index_locked"
    retryable = True

    def __init__(self, uri: str) -> None:
        super().__init__(f"Another ingest is writing to {uri}. Wait until it is done, then run this one again.")
