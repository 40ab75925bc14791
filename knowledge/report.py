"""What an ingest tells while it runs and when it is done."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """`done` of `total` documents, `source` the one that was read last; `chunks` went in so far."""

    done: int
    total: int
    source: str
    chunks: int = 0


@dataclass(frozen=True)
class Report:
    """What an ingest did, by source. `failed` and `notes` have a reason with each; `skipped` have no loader.

    `notes` are about documents that went in, though not all of them could be read. `interrupted`: there is more to do.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    skipped: tuple[str, ...]
    notes: tuple[tuple[str, str], ...] = ()
    chunks: int = 0
    interrupted: bool = False

    @property
    def has_changed(self) -> bool:
        """Whether the index is another than before."""
        return bool(self.added or self.changed or self.removed)


@dataclass
class Tally:
    """A report that is still being written."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    chunks: int = 0
    interrupted: bool = False

    def report(self) -> Report:
        return Report(
            added=tuple(self.added),
            changed=tuple(self.changed),
            unchanged=tuple(self.unchanged),
            removed=tuple(self.removed),
            failed=tuple(self.failed),
            skipped=tuple(self.skipped),
            notes=tuple(self.notes),
            chunks=self.chunks,
            interrupted=self.interrupted,
        )


Progress = Callable[[Step], None]
