"""Web pages: their words in order, without what surrounds them."""

import pytest
from bs4 import BeautifulSoup

from knowledge.errors import BinaryDocument, DocumentError
from knowledge.loaders.html import load_html
from knowledge.loaders.html_tables import MAX_COLUMNS, read_grid
from knowledge.prose import Block


def blocks(body: str) -> tuple[Block, ...]:
    return load_html(f"<html><body>{body}</body></html>".encode(), "a.html").blocks


def test_the_heading_is_the_title_and_else_the_pages_own() -> None:
    page = b"<title>Boats - Heron House</title><h1>Boats</h1><p>They are free.</p>"
    assert load_html(page, "a.html").title == "Boats"
    assert load_html(b"<title>Boats</title><p>They are free.</p>", "a.html").title == "Boats"
    assert load_html(b"<p>They are free.</p>", "a.html").title is None


def test_navigation_scripts_comments_and_hidden_parts_are_left_out() -> None:
    assert blocks(
        "<nav><a>Home</a></nav><header><p>Hello.</p></header><script>x()</script><style>p{}</style><!-- no -->"
        "<p hidden>Secret.</p><p aria-hidden=true>Icon.</p><p>We open at <b>nine</b>.</p><footer>Imprint</footer>"
    ) == (Block(text="Hello."), Block(text="We open at nine."))


def test_a_form_is_left_out_unless_it_is_the_whole_page() -> None:
    search = "<form><p>Search</p><input><button>Go</button></form>"
    page = f"<form><h1>Hours</h1><p>We open at nine.</p><select><option>English</select></form>{search}"
    assert [block.text for block in blocks(page)] == ["We open at nine."]


def test_only_the_main_part_counts_where_one_is_marked() -> None:
    assert blocks("<div>Cookies!</div><main><p>We open at nine.</p></main>") == (Block(text="We open at nine."),)


def test_text_between_block_elements_is_a_paragraph() -> None:
    assert [block.text for block in blocks("<div>One <i>line</i>.<p>Another.</p>The<br>third.</div>")] == [
        "One line.",
        "Another.",
        "The third.",
    ]


def test_headings_lists_and_unclosed_elements_are_understood() -> None:
    assert blocks("<h2>Prices</h2><p>The price includes:<ul><li>parking<li>linen</ul><h2>Bar</h2><p>Open.") == (
        Block(text="The price includes:", headings=("Prices",)),
        Block(text="parking", headings=("Prices",), kind="item", lead="The price includes:"),
        Block(text="linen", headings=("Prices",), kind="item", lead="The price includes:"),
        Block(text="Open.", headings=("Bar",)),
    )


def test_the_rows_of_a_table_carry_their_column_names() -> None:
    table = "<table><tr><th>Room<th>Price</tr><tr><td>Lake<td>120 euros</tr><tr><td>Hill<td>90 euros</tr></table>"
    assert [block.text for block in blocks(table)] == ["Room: Lake, Price: 120 euros.", "Room: Hill, Price: 90 euros."]


def test_a_cell_that_spans_rows_or_columns_counts_in_each_of_them() -> None:
    head = "<tr><th rowspan=2>Room<th colspan=2>Price</tr><tr><th>Summer<th>Winter</tr>"
    lake = "<tr><td rowspan=2>Lake<td>120<td>80</tr><tr><td colspan=2>closed in March</tr>"
    hill = "<tr><td>Hill<td>90<td>60</tr>"
    assert [block.text for block in blocks(f"<table>{head}{lake}{hill}</table>")] == [
        "Room: Lake, Price Summer: 120, Price Winter: 80.",
        "Room: Lake, Price Summer: closed in March.",
        "Room: Hill, Price Summer: 90, Price Winter: 60.",
    ]


def test_a_table_that_claims_any_number_of_columns_is_read_in_bounds() -> None:
    rows = "<tr><td rowspan=60000 colspan=999999>a<td>b</tr>" * 50
    table = BeautifulSoup(f"<table>{rows}</table>", "lxml").table
    assert table and max(map(len, read_grid(table).rows)) == MAX_COLUMNS


def test_columns_keep_their_names_beside_a_cell_from_above() -> None:
    table = "<table><tr><td>Day<td>Opens<td>Place</tr><tr><td>Mon<td>9<td rowspan=2>Bar</tr><tr><td>Tue</tr></table>"
    assert [block.text for block in blocks(table)] == ["Day: Mon, Opens: 9, Place: Bar.", "Day: Tue, Place: Bar."]


def test_a_table_that_only_arranges_the_page_is_read_as_text() -> None:
    assert [block.text for block in blocks("<table><tr><td><p>Left.</p></td><td><p>Right.</p></td></tr></table>")] == [
        "Left.",
        "Right.",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_the_encoding_is_the_one_that_the_page_names(encoding: str) -> None:
    page = f'<html><head><meta charset="{encoding}"></head><body><p>Das Café öffnet.</p></body></html>'
    assert load_html(page.encode(encoding), "a.html").blocks == (Block(text="Das Café öffnet."),)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(BinaryDocument, match=r"a\.html: it is not text \(a PNG image\)"):
        load_html(b"\x89PNG\r\n\x1a\n", "a.html")


def test_a_page_nested_beyond_reason_does_no_harm() -> None:
    page = b"<div>" * 20_000 + b"deep" + b"</div>" * 20_000
    try:
        load_html(page, "a.html")
    except DocumentError as error:
        assert error.source == "a.html"
