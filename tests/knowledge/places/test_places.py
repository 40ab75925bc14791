"""What an argument of an ingest means, and what it brings."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from knowledge.errors import DocumentMissing, NotFetched, OversizedDocument
from knowledge.places import Folder, Glob, Objects, S3Access, place_of
from knowledge.places.addresses import Address, AddressList

PAGES = {
    "/boats": (200, "text/html; charset=utf-8", b"<h1>Boats</h1><p>Boats are free.</p>"),
    "/notes.md": (200, "text/plain", b"# Notes\n\nHello."),
    "/rules": (200, "application/pdf", b"%PDF-1.4"),
    "/moved": (301, "/boats", b""),
    "/away": (302, "http://elsewhere.example/", b""),
    "/gone": (410, "text/html", b""),
}


class Server(BaseHTTPRequestHandler):
    """A small web site."""

    def do_GET(self) -> None:
        status, kind, body = PAGES.get(self.path, (404, "text/html", b""))
        self.send_response(status)
        self.send_header("Location" if 300 <= status < 400 else "Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def place(word: str | Path):  # whichever kind it is
    return place_of(word, s3=S3Access())


def test_each_kind_of_argument_is_told_by_its_look(tmp_path: Path) -> None:
    (tmp_path / "links.txt").write_text("# ours\nhttps://example.org/a\n\nhttps://example.org/b\n")
    (tmp_path / "notes.txt").write_text("See https://example.org/a for more.\n")
    assert isinstance(place("s3://bucket/papers"), Objects)
    assert isinstance(place("https://example.org/a"), Address)
    assert isinstance(place(tmp_path / "*.txt"), Glob)
    assert isinstance(place(tmp_path / "links.txt"), AddressList)
    assert isinstance(place(tmp_path / "notes.txt"), Folder)
    assert isinstance(place(tmp_path), Folder)


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a[1]").mkdir()
    assert isinstance(place(tmp_path / "a[1]"), Folder)


def test_links_to_folders_are_followed_once_and_never_in_a_circle(tmp_path: Path) -> None:
    for name in ("house/rooms/a.md", "shared/b.md"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("Hello.")
    (tmp_path / "house" / "all").symlink_to(tmp_path / "shared")
    (tmp_path / "house" / "again").symlink_to(tmp_path / "house" / "rooms")
    (tmp_path / "shared" / "up").symlink_to(tmp_path / "house")
    found = place(tmp_path / "house").items()
    assert [item.source for item in found] == ["house/rooms/a.md", "house/all/b.md"]


def test_a_glob_brings_the_files_that_it_matches(tmp_path: Path) -> None:
    for name in ("a.md", "b.txt", "deep/c.md", ".hidden/d.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Hello.")
    found = place(tmp_path / "**" / "*.md").items()
    assert [item.source for item in found] == [f"{tmp_path.name}/a.md", f"{tmp_path.name}/deep/c.md"]
    with pytest.raises(DocumentMissing):
        list(place(tmp_path / "*.pdf").items())


def test_a_page_comes_with_an_ending_that_tells_its_kind(site: str) -> None:
    names = {path: next(place(site + path).items()).fetch(1000).name for path in ("/boats", "/notes.md", "/rules")}
    assert names == {"/boats": "boats.html", "/notes.md": "notes.md", "/rules": "rules.pdf"}


def test_a_page_that_moved_on_its_server_is_followed_and_no_other(site: str) -> None:
    assert b"Boats are free" in next(place(f"{site}/moved").items()).fetch(1000).data
    with pytest.raises(NotFetched, match=r"it sends on to http://elsewhere\.example/"):
        next(place(f"{site}/away").items()).fetch(1000)


def test_a_page_that_is_not_served_says_why(site: str) -> None:
    with pytest.raises(NotFetched, match="its server answers 410 Gone"):
        next(place(f"{site}/gone").items()).fetch(1000)
    with pytest.raises(NotFetched, match="cannot be reached"):
        next(place("http://127.0.0.1:9/").items()).fetch(1000)
    with pytest.raises(OversizedDocument):
        next(place(f"{site}/boats").items()).fetch(10)


def test_a_page_that_leaves_its_list_is_lost_and_an_unlisted_one_is_not(tmp_path: Path) -> None:
    links = tmp_path / "links.txt"
    links.write_text("https://example.org/a\nhttps://example.org/b\n")
    first = [item.origin for item in place(links).items()]
    links.write_text("https://example.org/b\n")
    shorter = place(links)
    assert [origin for origin in first if shorter.covers(origin) and shorter.has_lost(origin)] == first[:1]
    assert not shorter.covers("https://example.org/a")


@pytest.mark.parametrize("word", ["", "*", "**/*.txt", "links.txt*"])
def test_pages_of_a_list_are_not_below_the_folder_that_the_list_lies_in(tmp_path: Path, word: str) -> None:
    links = tmp_path / "links.txt"
    links.write_text("https://example.org/a.txt\n")
    [page] = place(links).items()
    around = place(tmp_path / word)
    assert around.covers(links.as_posix())
    assert not around.covers(page.origin)


@pytest.mark.parametrize("text", ["", "# https://example.org/a\n", "See https://example.org/a for more.\n", None])
def test_what_is_no_list_any_more_has_lost_its_pages(tmp_path: Path, text: str | None) -> None:
    links = tmp_path / "links.txt"
    links.write_text("https://example.org/a\n")
    [page] = place(links).items()
    links.unlink() if text is None else links.write_text(text)
    former = place(links)
    assert former.covers(page.origin) and former.has_lost(page.origin)
    assert former.covers(links.as_posix())
    assert former.has_lost(links.as_posix()) == (text is None)


@pytest.mark.parametrize("data", [b"https://example.org/caf\xe9\n", b"https://example.org/a\n" * 50_000])
def test_a_list_that_cannot_be_read_keeps_its_pages(tmp_path: Path, data: bytes) -> None:
    links = tmp_path / "links.txt"
    links.write_text("https://example.org/a\n")
    [page] = place(links).items()
    links.write_bytes(data)
    assert not place(links).covers(page.origin)
