"""What is in an index, whether it is whole, saved and brought back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from knowledge.backup import About, back_up, read_about, restore
from knowledge.catalog import chunks_of, entries, matching, numbers
from knowledge.errors import BackupUnusable, KnowledgeError, StorageFull
from knowledge.index import Index
from knowledge.ingest import Report, ingest
from knowledge.scope import Scope
from knowledge.verifying import verify
from tests.knowledge.fakes import WordEmbedder, snapshot
from tests.knowledge.papers import pdf

Put = Callable[..., Report]


# Looking


def test_every_document_is_listed_with_its_numbers(put: Put, folder: Path, index: Index) -> None:
    (folder / "rules.pdf").write_bytes(pdf([(11, 740, "We open at nine.")], [(11, 740, "Dogs stay out.")]))
    put({"a.txt": "Cats come in."})
    put({}, collection="other")
    found = entries(index)
    assert [(entry.collection, entry.source, entry.chunks, entry.pages) for entry in found] == [
        ("default", "papers/a.txt", 1, 0),
        ("default", "papers/rules.pdf", 1, 1),
        ("other", "papers/a.txt", 1, 0),
        ("other", "papers/rules.pdf", 1, 1),
    ]
    assert found[0].ingested_at.endswith("+00:00")
    assert entries(index, "other") == found[2:]
    held = numbers(index)
    assert [(row.name, row.documents, row.chunks, row.sentences) for row in held.collections] == [
        ("default", 2, 2, 3),
        ("other", 2, 2, 3),
    ]
    assert (held.embedder, held.size_bytes is not None) == ("words", True)


def test_a_document_is_meant_by_id_source_path_title_or_a_part_of_its_name(put: Put, index: Index) -> None:
    put({"opening-hours.txt": "We open at nine.", "b.txt": "Dogs stay out."})
    found = entries(index)
    hours = found[1]
    for word in (hours.doc_id, hours.doc_id[:6], hours.source, hours.origin, "Opening hours", "HOURS"):
        assert matching(found, word) == [hours], word
    assert matching(found, ".txt") == found
    assert matching(found, "nothing") == []


def test_a_documents_chunks_come_in_order(put: Put, index: Index) -> None:
    put({"a.txt": "\n\n".join(f"This is sentence number {number} of a long text." for number in range(60))})
    chunks = chunks_of(index, entries(index)[0].doc_id)
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    assert len(chunks) > 3


# Verifying


def test_a_whole_index_has_no_problems(put: Put, index: Index) -> None:
    put({"a.txt": "We open at nine.", "b.txt": "Dogs stay out."})
    verdict = verify(index)
    assert (verdict.documents, verdict.chunks, verdict.sentences) == (2, 2, 2)
    assert (verdict.problems, verdict.stale) == ((), ())


def test_documents_whose_file_changed_or_went_are_named(put: Put, folder: Path, index: Index) -> None:
    put({"a.txt": "We open at nine.", "b.txt": "Dogs stay out.", "c.txt": "Cats come in."})
    (folder / "a.txt").write_text("We open at ten.")
    (folder / "b.txt").unlink()
    changed, gone = verify(index).stale
    assert changed.startswith("papers/a.txt (default) has changed")
    assert gone.startswith("papers/b.txt (default): its file is gone")


@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_data_file_is_named(put: Put, index: Index, cut: bool) -> None:
    put({"a.txt": "We open at nine."})
    file = next((Path(index.uri) / "chunks.lance" / "data").iterdir())
    file.write_bytes(file.read_bytes()[:100] if cut else b"junk")
    problems = verify(Index(index.uri, "words", index.dim)).problems
    assert str(file) in problems[0]


def test_sentences_of_another_version_than_their_chunks_are_found(put: Put, index: Index) -> None:
    """What is left when the machine dies between the two commits of a changed document."""
    put({"a.txt": "We open at nine."})
    older = Index(index.uri, "words", index.dim)
    before = {table: list(older.rows(table)) for table in ("chunks", "sentences")}
    put({"a.txt": "We open at ten."})
    after = {table: list(index.rows(table)) for table in ("chunks", "sentences")}
    index.become(lambda table: after[table] if table == "sentences" else before[table])
    assert "papers/a.txt (default): sentences of another version" in verify(index).problems[0]


def test_a_vector_that_is_none_is_found(put: Put, index: Index) -> None:
    def broken(texts: list[str]) -> np.ndarray:
        return np.zeros((len(texts), index.dim), np.float32)

    put({"a.txt": "We open at nine."})
    ingest([Path(entries(index)[0].origin)], index, broken, collection="other")
    assert any("vector is damaged" in problem for problem in verify(index).problems)


# Backup and restore


def opened(uri: Path) -> Callable[[About], Index]:
    return lambda about: Index(uri, about.embedder, about.dim)


def test_a_restored_index_is_the_one_that_was_saved(put: Put, index: Index, tmp_path: Path) -> None:
    put({"a.txt": "We open at nine.", "b.md": "# B\n\nDogs stay out."})
    put({}, collection="other")
    about = back_up(index, tmp_path / "saved.zip", wait_s=0)
    assert (about.chunks, about.sentences, about.embedder) == (4, 4, "words")
    assert restore(tmp_path / "saved.zip", opened(tmp_path / "elsewhere"), replace=False, wait_s=0) == about
    other = Index(tmp_path / "elsewhere", "words", index.dim)
    assert snapshot(other) == snapshot(index)
    assert entries(other) == entries(index)
    assert verify(other).problems == ()
    question = np.eye(index.dim, dtype=np.float32)[0]
    scope = Scope("other")
    assert other.nearest_chunks(question, scope, limit=9) == index.nearest_chunks(question, scope, limit=9)


def test_a_restored_index_goes_on_as_if_nothing_had_happened(
    put: Put, folder: Path, index: Index, embedder: WordEmbedder, tmp_path: Path
) -> None:
    put({"a.txt": "We open at nine.", "b.txt": "Dogs stay out."})
    back_up(index, tmp_path / "saved.zip", wait_s=0)
    put({"a.txt": "We open at ten."})
    restore(tmp_path / "saved.zip", opened(Path(index.uri)), replace=True, wait_s=0)
    report = put({})
    assert (report.changed, report.unchanged) == (("papers/a.txt",), ("papers/b.txt",))


def test_documents_are_never_overwritten_by_accident(put: Put, index: Index, tmp_path: Path) -> None:
    put({"a.txt": "We open at nine."})
    back_up(index, tmp_path / "saved.zip", wait_s=0)
    with pytest.raises(KnowledgeError, match="holds 1 documents; --replace"):
        restore(tmp_path / "saved.zip", opened(Path(index.uri)), replace=False, wait_s=0)


def test_an_empty_index_can_be_saved_and_restored(index: Index, tmp_path: Path) -> None:
    assert back_up(index, tmp_path / "saved.zip", wait_s=0).chunks == 0
    restore(tmp_path / "saved.zip", opened(tmp_path / "elsewhere"), replace=False, wait_s=0)
    assert entries(Index(tmp_path / "elsewhere", "words", index.dim)) == []


def test_a_damaged_index_is_replaced_by_its_backup(put: Put, index: Index, tmp_path: Path) -> None:
    put({"a.txt": "We open at nine."})
    back_up(index, tmp_path / "saved.zip", wait_s=0)
    for file in Path(index.uri).glob("*.lance/data/*"):
        file.write_bytes(b"junk")
    restore(tmp_path / "saved.zip", opened(Path(index.uri)), replace=True, wait_s=0)
    assert verify(Index(index.uri, "words", index.dim)).chunks == 1


def test_a_backup_takes_the_place_of_an_older_one_and_of_nothing_else(put: Put, index: Index, tmp_path: Path) -> None:
    put({"a.txt": "We open at nine."})
    letter = tmp_path / "letter.docx"
    letter.write_bytes(b"dear guests")
    with pytest.raises(KnowledgeError, match=r"letter\.docx is there already and no backup"):
        back_up(index, letter, wait_s=0)
    assert letter.read_bytes() == b"dear guests"
    for _ in range(2):
        back_up(index, tmp_path / "saved.zip", wait_s=0)


def test_what_is_no_backup_is_refused(put: Put, index: Index, tmp_path: Path) -> None:
    put({"a.txt": "We open at nine."})
    path = tmp_path / "saved.zip"
    back_up(index, path, wait_s=0)
    whole = path.read_bytes()
    at = len(whole) // 3
    for data in (b"", b"no archive", whole[: len(whole) // 2], whole[:at] + b"XXXX" + whole[at + 4 :]):
        path.write_bytes(data)
        with pytest.raises(BackupUnusable, match=r"saved\.zip cannot be restored"):
            read_about(path)
    with pytest.raises(BackupUnusable, match="no such file"):
        read_about(tmp_path / "nowhere.zip")


def test_a_backup_that_does_not_fit_leaves_nothing_half_done(
    put: Put, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    put({"a.txt": "We open at nine."})
    monkeypatch.setattr("zipfile.ZipFile.writestr", refuse)
    with pytest.raises(StorageFull, match=r"saved\.zip is full"):
        back_up(index, tmp_path / "saved.zip", wait_s=0)
    assert not list(tmp_path.glob("saved*"))
