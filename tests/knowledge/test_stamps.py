"""What is unchanged in its place is not read again: web pages by their headers, objects by size and time."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from knowledge.index import Index
from knowledge.ingest import Report, ingest
from knowledge.places import S3Access
from tests.knowledge.fakes import WordEmbedder
from tests.objectstore import ACCESS_KEY, REGION, SECRET_KEY, ObjectStore, running_object_store

Read = Callable[..., Report]


@dataclass
class Site:
    """A web server with pages that have an ETag, or only a date. `sent` are the paths whose text went out.

    Of those in `cut` only the first half arrives.
    """

    pages: dict[str, str] = field(default_factory=dict[str, str])
    dates: dict[str, str] = field(default_factory=dict[str, str])
    sent: list[str] = field(default_factory=list[str])
    cut: set[str] = field(default_factory=set[str])
    address: str = ""

    def headers(self, path: str) -> dict[str, str]:
        if path in self.dates:
            return {"Last-Modified": self.dates[path]}
        return {"ETag": f'"{sha256(self.pages[path].encode()).hexdigest()[:8]}"'}


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {self.headers["If-None-Match"], self.headers["If-Modified-Since"]}
            given = site.headers(self.path)
            is_known = bool(known & set(given.values()))
            text = site.pages[self.path].encode()
            self.send_response(304 if is_known else 200)
            for name, value in {"Content-Type": "text/plain", "Content-Length": str(len(text)), **given}.items():
                self.send_header(name, value)
            self.end_headers()
            if not is_known:
                site.sent.append(self.path)
                self.wfile.write(text[: len(text) // 2] if self.path in site.cut else text)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def read(index: Index, embedder: WordEmbedder) -> Read:
    def ingest_from(*places: str, s3: S3Access | None = None) -> Report:
        return ingest(places, index, embedder.embed_passages, s3=s3)

    return ingest_from


def test_a_page_is_sent_again_only_once_it_is_another(site: Site, read: Read) -> None:
    site.pages = {"/tagged": "We open at nine.", "/dated": "Dogs stay out."}
    site.dates = {"/dated": "Sat, 01 Nov 2025 10:00:00 GMT"}
    places = [site.address + path for path in site.pages]
    assert len(read(*places).added) == 2
    site.sent.clear()
    assert (len(read(*places).unchanged), site.sent) == (2, [])
    site.pages["/tagged"] = "We open at ten."
    assert read(*places).changed == (places[0],)
    assert site.sent == ["/tagged"]


def test_a_page_that_was_forgotten_is_sent_again(site: Site, read: Read, index: Index) -> None:
    site.pages = {"/a": "We open at nine.", "/b": "Dogs stay out."}
    places = [site.address + path for path in site.pages]
    read(*places)
    index.remove([document.doc_id for document in index.documents() if document.origin.endswith("/a")])
    assert read(*places).added == (places[0],)


def test_a_page_that_is_cut_off_on_its_way_is_not_taken_for_its_new_version(
    site: Site, read: Read, index: Index
) -> None:
    site.pages = {"/a": "We open at nine."}
    place = f"{site.address}/a"
    read(place)
    site.pages, site.cut = {"/a": "We open at ten. Dogs stay out."}, {"/a"}
    assert read(place).failed == ((place, "it broke off on its way"),)
    assert [row.text for row in index.all_chunks("default")[0]] == ["We open at nine."]
    site.cut = set()
    assert read(place).changed == (place,)
    assert [row.text for row in index.all_chunks("default")[0]] == ["We open at ten. Dogs stay out."]


def test_a_new_page_that_is_cut_off_on_its_way_is_sent_again(site: Site, read: Read) -> None:
    site.pages = {"/a": "We open at ten. Dogs stay out."}
    site.cut = {"/a"}
    place = f"{site.address}/a"
    assert read(place).failed == ((place, "it broke off on its way"),)
    site.cut = set()
    assert read(place).added == (place,)


def test_every_page_is_sent_again_once_documents_are_read_differently(
    site: Site, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages = {"/a": "We open at nine."}
    read(f"{site.address}/a")
    monkeypatch.setattr("knowledge.stamps._READER", "another")
    assert read(f"{site.address}/a").unchanged and site.sent == ["/a", "/a"]


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[ObjectStore]:
    with running_object_store(tmp_path) as store:
        yield store


class Counting:
    """A file system that counts what is read from it."""

    def __init__(self, files: Any) -> None:
        self._files = files
        self.read: list[str] = []

    def get_file_info(self, what: Any) -> Any:
        return self._files.get_file_info(what)

    def open_input_stream(self, path: str) -> Any:
        self.read.append(path)
        return self._files.open_input_stream(path)


def test_an_unchanged_prefix_is_listed_and_nothing_of_it_is_read(
    objects: ObjectStore, read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Counting(objects.files)
    monkeypatch.setattr("knowledge.places.objects.Objects._store", files)
    s3 = S3Access(f"http://{objects.address}", REGION, ACCESS_KEY, SECRET_KEY)
    for number in range(30):
        objects.put(f"papers/rooms/{number:02}.md", f"Room {number} looks over the lake.")
    long_ago_s = time.time() - 3600
    for path in (tmp_path / "objects" / "papers" / "rooms").iterdir():
        os.utime(path, times=(long_ago_s, long_ago_s))
    assert len(read("s3://papers/rooms", s3=s3).added) == len(files.read) == 30
    files.read.clear()
    assert (len(read("s3://papers/rooms", s3=s3).unchanged), files.read) == (30, [])
    objects.put("papers/rooms/07.md", "Room 7 looks over the road.")
    assert read("s3://papers/rooms", s3=s3).changed == ("rooms/07.md",)
    assert files.read == ["papers/rooms/07.md"]
    read("s3://papers/rooms", s3=s3)
    assert files.read[1:] == ["papers/rooms/07.md"], "one so young is read until its time tells versions apart"
