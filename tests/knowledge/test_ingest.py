"""Ingest: what is new goes in, what changed is replaced, what is gone leaves, and a bad file stops nothing."""

import errno
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from knowledge.errors import DocumentError, StorageFull
from knowledge.index import Index
from knowledge.ingest import Report, Step, ingest
from knowledge.places.item import Content
from knowledge.store import StoreError
from tests.knowledge.fakes import WordEmbedder
from tests.knowledge.papers import broken_docx, docx, pdf

Put = Callable[..., Report]


def sources(index: Index, collection: str = "default") -> set[str]:
    return {document.source for document in index.documents(collection)}


def chunk_texts(index: Index) -> set[str]:
    return {row.text for row in index.all_chunks("default")[0]}


def test_a_folder_goes_in_with_all_below_it(put: Put, index: Index) -> None:
    report = put({"hours.txt": "We open at nine.", "rooms/lake.md": "# Lake room\n\nIt has a view."})
    assert report.added == ("papers/hours.txt", "papers/rooms/lake.md")
    assert sources(index) == {"papers/hours.txt", "papers/rooms/lake.md"}
    assert {document.title for document in index.documents()} == {"Hours", "Lake room"}


def test_running_twice_changes_and_embeds_nothing(put: Put, index: Index, embedder: WordEmbedder) -> None:
    put({"a.txt": "We open at nine."})
    revision, embedded = index.revision(), len(embedder.embedded)
    report = put({})
    assert (report.unchanged, report.added, report.changed) == (("papers/a.txt",), (), ())
    assert (index.revision(), len(embedder.embedded)) == (revision, embedded)


def test_a_changed_file_is_replaced(put: Put, index: Index) -> None:
    put({"a.txt": "We open at nine.", "b.txt": "Dogs stay out."})
    report = put({"a.txt": "We open at ten."})
    assert (report.changed, report.unchanged) == (("papers/a.txt",), ("papers/b.txt",))
    assert chunk_texts(index) == {"We open at ten.", "Dogs stay out."}


def test_a_file_deleted_from_the_folder_is_removed(put: Put, folder: Path, index: Index) -> None:
    put({"a.txt": "We open at nine.", "b.txt": "Dogs stay out."})
    (folder / "a.txt").unlink()
    assert put({}).removed == ("papers/a.txt",)
    assert chunk_texts(index) == {"Dogs stay out."}


def test_other_folders_are_left_alone(put: Put, tmp_path: Path, index: Index, embedder: WordEmbedder) -> None:
    put({"a.txt": "We open at nine."})
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.txt").write_text("Dogs stay out.")
    ingest([other], index, embedder.embed_passages)
    assert sources(index) == {"papers/a.txt", "other/b.txt"}


def test_a_single_file_given_again_after_its_deletion_is_removed(
    folder: Path, index: Index, embedder: WordEmbedder
) -> None:
    path = folder / "a.txt"
    path.write_text("We open at nine.")
    assert ingest([path], index, embedder.embed_passages).added == ("a.txt",)
    path.unlink()
    assert ingest([path], index, embedder.embed_passages).removed == ("a.txt",)


def test_a_moved_folder_does_not_leave_its_documents_twice(
    put: Put, folder: Path, tmp_path: Path, index: Index, embedder: WordEmbedder
) -> None:
    put({"a.txt": "We open at nine."})
    moved = tmp_path / "elsewhere" / folder.name
    moved.parent.mkdir()
    folder.rename(moved)
    ingest([moved], index, embedder.embed_passages)
    assert [document.origin for document in index.documents()] == [(moved / "a.txt").as_posix()]


def test_one_bad_file_never_stops_the_rest(put: Put, folder: Path, index: Index) -> None:
    (folder / "b.txt").write_bytes(b"\0\1\2")
    (folder / "c.md").write_text("")
    with (folder / "d.txt").open("wb") as huge:
        huge.truncate(50_000_000)
    (folder / "picture.jpg").write_bytes(b"x")
    (folder / ".hidden.txt").write_text("Nobody reads this.")
    report = put({"a.txt": "We open at nine.", "z.txt": "We close at five."})
    assert report.added == ("papers/a.txt", "papers/z.txt")
    assert [source for source, _ in report.failed] == ["papers/b.txt", "papers/c.md", "papers/d.txt"]
    assert "50.0 MB" in dict(report.failed)["papers/d.txt"]
    assert report.skipped == ("papers/picture.jpg",)
    assert sources(index) == {"papers/a.txt", "papers/z.txt"}


def test_a_file_that_confuses_its_loader_is_named_with_the_kind_of_error(put: Put, folder: Path, index: Index) -> None:
    (folder / "b.docx").write_bytes(broken_docx())
    report = put({"a.txt": "We open at nine.", "z.txt": "We close at five."})
    assert report.added == ("papers/a.txt", "papers/z.txt")
    [(source, reason)] = report.failed
    assert source == "papers/b.docx"
    assert "(ValueError)" in reason and "Dogs" not in reason
    assert sources(index) == {"papers/a.txt", "papers/z.txt"}


def test_a_file_whose_name_is_no_text_is_named_as_well_as_can_be(put: Put, folder: Path, index: Index) -> None:
    for name in (b"caf\xe9.md", b"caf\xe9.jpg"):
        (folder / os.fsdecode(name)).write_text("We open at ten.")
    report = put({"a.txt": "We open at nine.", "z.txt": "We close at five."})
    assert report.added == ("papers/a.txt", "papers/z.txt")
    assert report.failed == (("papers/caf\ufffd.md", "its path is not UTF-8; rename it and ingest it again"),)
    assert report.skipped == ("papers/caf\ufffd.jpg",)


def test_half_a_character_is_replaced_and_the_rest_goes_in(put: Put, index: Index) -> None:
    record = '{"Pets \\ud83d": "Dogs \\ud83d stay out. \\ud83d\\ude00"}'
    assert put({"a.txt": "We open at nine.", "b.jsonl": record}).failed == ()
    assert chunk_texts(index) == {"We open at nine.", "Pets \ufffd: Dogs \ufffd stay out. \U0001f600."}


def test_a_file_that_turned_bad_keeps_its_former_version(put: Put, folder: Path, index: Index) -> None:
    put({"a.txt": "We open at nine."})
    (folder / "a.txt").write_bytes(b"\0\1\2")
    report = put({})
    assert [source for source, _ in report.failed] == ["papers/a.txt"]
    assert chunk_texts(index) == {"We open at nine."}


def test_what_may_not_be_looked_at_is_named_and_stays(
    put: Put, folder: Path, index: Index, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    put({"a.md": "One is here.", "closed/b.md": "Two is here.", "strict/c.md": "Three is here."})
    bar(monkeypatch, list_none_of=folder / "closed", look_at_none_in=(folder / "closed", folder / "strict"))
    report = ingest([folder], index, embedder.embed_passages)
    assert [source for source, _ in report.failed] == ["papers/strict/c.md", "papers/closed"]
    assert all("Permission denied" in reason for _, reason in report.failed)
    assert not report.removed and len(index.documents()) == 3


def bar(monkeypatch: pytest.MonkeyPatch, *, list_none_of: Path, look_at_none_in: tuple[Path, ...]) -> None:
    """Folders as they look to somebody who lacks the right to list them, or to enter them; root has both."""
    scandir, stat = os.scandir, Path.stat

    def scan(path: str) -> Any:
        if Path(path) == list_none_of:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    def look(path: Path, **options: Any) -> os.stat_result:
        if path.parent in look_at_none_in:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(Path, "stat", look)


def test_paths_that_cannot_go_in_are_failures_with_a_reason(folder: Path, index: Index, embedder: WordEmbedder) -> None:
    (folder / "sheet.xlsx").write_bytes(b"x")
    report = ingest([folder / "sheet.xlsx", folder / "gone.txt"], index, embedder.embed_passages)
    assert {source for source, _ in report.failed} == {"sheet.xlsx", "gone.txt"}
    assert "no such file" in dict(report.failed)["gone.txt"]


def test_a_file_given_twice_goes_in_once(folder: Path, index: Index, embedder: WordEmbedder) -> None:
    (folder / "a.txt").write_text("We open at nine.")
    report = ingest([folder, folder / "a.txt"], index, embedder.embed_passages)
    assert report.added == ("papers/a.txt",)


def test_collections_hold_their_own_copies(put: Put, index: Index) -> None:
    put({"a.txt": "We open at nine."})
    assert put({}, collection="other").added == ("papers/a.txt",)
    assert sources(index) == sources(index, "other") == {"papers/a.txt"}


def test_progress_is_told_file_by_file(put: Put, folder: Path, index: Index, embedder: WordEmbedder) -> None:
    put({"a.txt": "We open at nine.", "b.txt": "Dogs stay out."})
    steps: list[Step] = []
    ingest([folder], index, embedder.embed_passages, progress=steps.append)
    assert steps == [Step(1, 2, "papers/a.txt"), Step(2, 2, "papers/b.txt")]


def test_an_interrupted_ingest_keeps_what_was_committed(
    put: Put, folder: Path, index: Index, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.ingest._COMMIT_CHUNKS", 1)

    def interrupt(step: Step) -> None:
        if step.done == 2:
            raise KeyboardInterrupt

    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text(f"This is text {name}.")
    with pytest.raises(KeyboardInterrupt):
        ingest([folder], index, embedder.embed_passages, progress=interrupt)
    assert sources(index) == {"papers/a.txt", "papers/b.txt"}
    assert put({}).added == ("papers/c.txt",)


def test_told_to_stop_it_keeps_what_is_ready_and_goes_on_next_time(
    put: Put, folder: Path, index: Index, embedder: WordEmbedder
) -> None:
    put({"old.txt": "This goes away."})
    (folder / "old.txt").unlink()
    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text(f"This is text {name}.")
    steps: list[Step] = []
    report = ingest(
        [folder], index, embedder.embed_passages, progress=steps.append, should_stop=lambda: len(steps) == 2
    )
    assert (report.added, report.removed, report.interrupted) == (("papers/a.txt", "papers/b.txt"), (), True)
    assert sources(index) == {"papers/a.txt", "papers/b.txt", "papers/old.txt"}
    report = put({})
    assert (report.added, report.removed, report.interrupted) == (("papers/c.txt",), ("papers/old.txt",), False)


def test_told_to_stop_in_the_middle_of_a_long_document_it_leaves_that_one_out(
    put: Put, folder: Path, index: Index, embedder: WordEmbedder
) -> None:
    put({"a.txt": "This is text a."})
    (folder / "long.txt").write_text("\n\n".join(f"This is sentence {number} of many." for number in range(500)))
    before = len(embedder.embedded)
    report = ingest([folder], index, embedder.embed_passages, should_stop=lambda: len(embedder.embedded) > before + 100)
    assert (report.interrupted, report.added) == (True, ())
    assert sources(index) == {"papers/a.txt"}
    assert len(embedder.embedded) < before + 200


def test_all_kinds_of_documents_go_in_with_their_pages(put: Put, folder: Path, index: Index) -> None:
    (folder / "rules.pdf").write_bytes(pdf([(11, 740, "We open at nine.")], [(11, 740, "Dogs stay out.")], []))
    (folder / "scan.pdf").write_bytes(pdf([]))
    (folder / "house.docx").write_bytes(docx())
    report = put({"a.html": "<p>Cats come in.</p>", "b.csv": "Room,Price\nLake,120\n", "c.jsonl": '{"room": "Hill"}'})
    assert set(report.added) == {f"papers/{name}" for name in ("rules.pdf", "house.docx", "a.html", "b.csv", "c.jsonl")}
    assert [source for source, _ in report.failed] == ["papers/scan.pdf"]
    assert [source for source, _ in report.notes] == ["papers/rules.pdf"]
    rows, _ = index.all_sentences("default")
    pages = {row.text: row.page for row in rows}
    assert (pages["We open at nine."], pages["Dogs stay out."], pages["Cats come in."]) == (1, 2, 0)


def test_a_glob_is_a_place_of_its_own(put: Put, folder: Path, index: Index, embedder: WordEmbedder) -> None:
    put({"a.txt": "We open at nine.", "b.md": "Dogs stay out.", "c.txt": "Cats come in."})
    for name in ("a.txt", "b.md"):
        (folder / name).unlink()
    report = ingest([f"{folder}/*.txt"], index, embedder.embed_passages)
    assert (report.removed, report.unchanged) == (("papers/a.txt",), ("papers/c.txt",))
    assert sources(index) == {"papers/b.md", "papers/c.txt"}


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address has a page."""

    def fetched(address: str, *, max_bytes: int, known: str) -> Content:
        return Content(f"<p>This is {address[-1]}.</p>".encode(), "page.html")

    monkeypatch.setattr("knowledge.places.addresses._fetch", fetched)


@pytest.mark.usefixtures("pages")
def test_a_page_taken_off_its_list_is_removed(folder: Path, index: Index, embedder: WordEmbedder) -> None:
    links = folder / "links.txt"
    links.write_text("https://example.org/a\nhttps://example.org/b\n")
    report = ingest([links], index, embedder.embed_passages)
    assert report.added == ("https://example.org/a", "https://example.org/b")
    links.write_text("https://example.org/b\n")
    report = ingest([links], index, embedder.embed_passages)
    assert (report.removed, report.unchanged) == (("https://example.org/a",), ("https://example.org/b",))


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("word", ["", "*.txt", "links.txt*"])
def test_the_folder_of_a_list_leaves_its_pages_alone(
    folder: Path, index: Index, embedder: WordEmbedder, word: str
) -> None:
    links = folder / "links.txt"
    links.write_text("https://example.org/a\n")
    ingest([links], index, embedder.embed_passages)
    report = ingest([folder / word], index, embedder.embed_passages)
    assert (report.added, report.removed) == (("papers/links.txt",), ())


@pytest.mark.usefixtures("pages")
def test_the_last_page_taken_off_its_list_is_removed(folder: Path, index: Index, embedder: WordEmbedder) -> None:
    links = folder / "links.txt"
    links.write_text("https://example.org/a\n")
    ingest([links], index, embedder.embed_passages)
    links.write_text("")
    report = ingest([links], index, embedder.embed_passages)
    assert report.removed == ("https://example.org/a",)
    assert [source for source, _ in report.failed] == ["links.txt"]


@pytest.mark.usefixtures("pages")
def test_the_pages_of_a_deleted_list_are_removed(folder: Path, index: Index, embedder: WordEmbedder) -> None:
    links = folder / "links.txt"
    links.write_text("https://example.org/a\n")
    ingest([links], index, embedder.embed_passages)
    links.unlink()
    report = ingest([links], index, embedder.embed_passages)
    assert (report.removed, report.failed) == (("https://example.org/a",), ())


def test_a_full_disk_is_named_and_what_was_committed_is_kept(
    put: Put, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    put({"a.txt": "We open at nine."})

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("LanceError(IO): No space left on device (os error 28)")

    monkeypatch.setattr("knowledge.store.Table.replace", refuse)
    with pytest.raises(StorageFull, match=r"The disk that holds .*index is full"):
        put({"b.txt": "Dogs stay out."})
    assert sources(index) == {"papers/a.txt"}


def test_sentences_are_stored_under_their_headings(put: Put, index: Index) -> None:
    put({"house.md": "# House\n\n## Pets\n\nPlease note:\n\n- Dogs stay out of the restaurant.\n- Cats may come in.\n"})
    rows, _ = index.all_sentences("default")
    assert {(row.text, row.context) for row in rows} == {
        ("Dogs stay out of the restaurant.", "House. Pets. Please note:"),
        ("Cats may come in.", "House. Pets. Please note:"),
    }
    chunks, _ = index.all_chunks("default")
    assert chunks[0].text.startswith("Pets\nPlease note: Dogs stay out")


def ingest_in_a_process(folder: Path, uri: str) -> None:
    """What a second `landline ingest` would do."""
    embedder = WordEmbedder()
    ingest([folder], Index(uri, embedder.name, embedder.dim), embedder.embed_passages)


def test_two_ingests_at_once_do_not_disturb_each_other(tmp_path: Path, index: Index) -> None:
    folders = [tmp_path / name for name in ("left", "right")]
    for folder in folders:
        folder.mkdir()
        for number in range(15):
            (folder / f"{number}.txt").write_text(f"This is text {number} of {folder.name}.")
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=ingest_in_a_process, args=(folder, index.uri)) for folder in folders]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(sources(index)) == 30
    assert index.count_sentences("default") == 30


def test_every_document_error_names_its_source() -> None:
    assert str(DocumentError("a.txt", "it is bad")) == "a.txt: it is bad"
