"""Globs over paths and over the keys of an object store."""

import pytest

from knowledge.places.patterns import compiled, fixed_root, is_pattern


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/a/*.md", "/a/b.md", True),
        ("/a/*.md", "/a/b/c.md", False),
        ("/a/**/*.md", "/a/c.md", True),
        ("/a/**/*.md", "/a/b/c/d.md", True),
        ("/a/?.md", "/a/bc.md", False),
        ("/a/[bc].md", "/a/b.md", True),
        ("/a/[!b].md", "/a/b.md", False),
        ("/a/20*", "/a/2024/june/x.md", True),
        ("/a/20*", "/a/1999/x.md", False),
        ("/a (1)/*.md", "/a (1)/b.md", True),
        ("/a/*", "/ab/c", False),
    ],
)
def test_what_a_pattern_matches(pattern: str, path: str, matches: bool) -> None:
    assert bool(compiled(pattern).fullmatch(path)) is matches


def test_the_folder_above_the_first_pattern_is_where_to_look() -> None:
    assert fixed_root("/a/b/*/c.md") == "/a/b"
    assert fixed_root("bucket/papers") == "bucket/papers"
    assert not is_pattern("/a/b.md")
