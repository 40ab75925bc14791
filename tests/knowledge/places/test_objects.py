"""An S3-compatible store on loopback: documents of a prefix, and the index itself."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.server import ThreadedMotoServer
from pyarrow.fs import S3FileSystem

from knowledge.errors import IndexUnreachable
from knowledge.index import Index
from knowledge.ingest import Report, ingest
from knowledge.places.objects import S3Access
from tests.knowledge.fakes import WordEmbedder

Put = Callable[[dict[str, str]], None]


@pytest.fixture(scope="module")
def server() -> Iterator[S3Access]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Access(endpoint=f"http://{host}:{port}", region="us-east-1", access_key="landline", secret_key="secret")
    server.stop()


@pytest.fixture
def store(server: S3Access) -> Iterator[Any]:
    """The store with an empty bucket `papers`."""
    files = S3FileSystem(
        access_key=server.access_key,
        secret_key=server.secret_key,
        region=server.region,
        endpoint_override=server.endpoint.removeprefix("http://"),
        scheme="http",
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
    )
    files.create_dir("papers")
    yield files
    files.delete_dir("papers")


@pytest.fixture
def put(store: Any) -> Put:
    def write(files: dict[str, str]) -> None:
        for name, text in files.items():
            with store.open_output_stream(f"papers/{name}") as stream:
                stream.write(text.encode())

    return write


@pytest.fixture
def read(server: S3Access, index: Index, embedder: WordEmbedder) -> Callable[..., Report]:
    def ingest_from(*places: str) -> Report:
        return ingest(places, index, embedder.embed_passages, s3=server)

    return ingest_from


def test_a_prefix_brings_a_hundred_chunks_and_twice_changes_nothing(
    put: Put, read: Callable[..., Report], index: Index
) -> None:
    sentence = "The {} room number {} looks over the lake and has a bath of its own. "
    put({f"house/{n:03}.md": "".join(sentence.format(word, n) for word in ("red", "blue") * 8) for n in range(60)})
    report = read("s3://papers/house")
    assert (len(report.added), report.failed) == (60, ())
    assert report.chunks == len(index.all_chunks("default")[0]) >= 100
    assert index.documents()[0].origin == "s3://papers/house/000.md"
    assert index.documents()[0].source == "house/000.md"
    again = read("s3://papers/house/")
    assert (len(again.unchanged), again.has_changed) == (60, False)


def test_what_changed_is_replaced_and_what_is_gone_is_removed(
    put: Put, store: Any, read: Callable[..., Report], index: Index
) -> None:
    put({"a/x.md": "We open at nine.", "a/y.txt": "Dogs stay out.", "b/z.md": "Cats come in."})
    assert read("s3://papers").added == ("papers/a/x.md", "papers/a/y.txt", "papers/b/z.md")
    put({"a/x.md": "We open at ten."})
    store.delete_file("papers/a/y.txt")
    report = read("s3://papers/a")
    assert (report.changed, report.removed) == (("a/x.md",), ("papers/a/y.txt",))
    assert {document.origin for document in index.documents()} == {"s3://papers/a/x.md", "s3://papers/b/z.md"}


def test_one_object_and_a_pattern_can_be_named(put: Put, read: Callable[..., Report]) -> None:
    put({"a/x.md": "We open at nine.", "a/y.txt": "Dogs stay out.", "a/photo.jpg": "x"})
    assert read("s3://papers/a/x.md").added == ("x.md",)
    assert read("s3://papers/**/*.txt").added == ("papers/a/y.txt",)
    assert read("s3://papers/a").skipped == ("a/photo.jpg",)


def test_what_is_not_there_or_not_allowed_is_reported_and_the_rest_goes_in(
    put: Put, read: Callable[..., Report]
) -> None:
    put({"a/x.md": "We open at nine."})
    report = read("s3://papers/nothing", "s3://no-such-bucket/a", "s3://papers/a")
    assert report.added == ("a/x.md",)
    assert {source for source, _ in report.failed} == {"s3://papers/nothing", "s3://no-such-bucket/a"}


def test_a_store_that_does_not_answer_is_reported(index: Index, embedder: WordEmbedder) -> None:
    nowhere = S3Access(endpoint="http://127.0.0.1:9", region="us-east-1", access_key="a", secret_key="b")
    report = ingest(["s3://papers/a"], index, embedder.embed_passages, s3=nowhere)
    [(source, reason)] = report.failed
    assert source == "s3://papers/a"
    assert "the object store refuses it" in reason


def test_the_secret_is_never_shown() -> None:
    assert "hush" not in repr(S3Access(secret_key="hush"))


def test_the_index_itself_may_lie_in_the_store(server: S3Access, put: Put, embedder: WordEmbedder) -> None:
    put({"a/x.md": "We open at nine.", "a/y.md": "Dogs stay out."})

    def opened() -> Index:
        return Index("s3://papers/index", embedder.name, embedder.dim, options=server.storage_options)

    assert ingest(["s3://papers/a"], opened(), embedder.embed_passages, s3=server).has_changed
    put({"a/x.md": "We open at ten."})
    assert ingest(["s3://papers/a"], opened(), embedder.embed_passages, s3=server).changed == ("a/x.md",)
    assert {row.text for row in opened().all_chunks("default")[0]} == {"We open at ten.", "Dogs stay out."}
    assert opened().made_with() == (embedder.name, embedder.dim)


def test_an_index_in_a_bucket_that_is_not_there_says_what_to_check(server: S3Access, embedder: WordEmbedder) -> None:
    index = Index("s3://no-such-bucket/index", embedder.name, embedder.dim, options=server.storage_options)
    with pytest.raises(IndexUnreachable, match="KNOWLEDGE_S3"):
        ingest(["/nowhere"], index, embedder.embed_passages)
