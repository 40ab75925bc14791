"""Markdown without its markup."""

from knowledge.loaders.markdown import parse_markdown
from knowledge.prose import Block


def test_headings_are_carried_and_the_only_top_one_is_the_title() -> None:
    parsed = parse_markdown("# House\n\nHello.\n\n## Spa\n\n### Sauna\n\nHot.\n\n## Bar\n\nOpen.")
    assert parsed.title == "House"
    assert parsed.blocks == (
        Block(text="Hello."),
        Block(text="Hot.", headings=("Spa", "Sauna")),
        Block(text="Open.", headings=("Bar",)),
    )


def test_several_top_headings_are_no_title() -> None:
    parsed = parse_markdown("# Spa\n\nHot.\n\n# Bar\n\nOpen.")
    assert parsed.title is None
    assert [block.headings for block in parsed.blocks] == [("Spa",), ("Bar",)]


def test_front_matter_gives_the_title_and_is_no_text() -> None:
    parsed = parse_markdown('---\ntitle: "Our house"\ntags: [a]\n---\nHello.')
    assert (parsed.title, parsed.blocks) == ("Our house", (Block(text="Hello."),))


def test_markup_goes_and_words_stay() -> None:
    text = (
        "Some *bold*, `code`, [a link](https://example.com/x), ![a map](map.png)<br>"
        "and <b>html</b>\nwrapped.\n\n<!-- x -->"
    )
    assert parse_markdown(text).blocks == (Block(text="Some bold, code, a link, a map and html wrapped."),)


def test_list_items_know_the_line_that_introduces_them() -> None:
    parsed = parse_markdown("The price includes:\n\n- parking\n- linen\n  - washed\n\nAnd more.")
    assert parsed.blocks == (
        Block(text="The price includes:"),
        Block(text="parking", kind="item", lead="The price includes:"),
        Block(text="linen", kind="item", lead="The price includes:"),
        Block(text="washed", kind="item"),
        Block(text="And more."),
    )


def test_table_rows_carry_the_names_of_their_columns() -> None:
    parsed = parse_markdown("# House\n\n## Prices\n\n| Room | Price |\n|---|---|\n| Lake | 120 euros |\n| Garden | |")
    assert parsed.blocks == (
        Block(text="Room: Lake, Price: 120 euros.", headings=("Prices",), kind="row"),
        Block(text="Room: Garden.", headings=("Prices",), kind="row"),
    )


def test_code_blocks_keep_their_lines() -> None:
    assert [block.text for block in parse_markdown("```\nfirst line\n\nsecond line\n```").blocks] == [
        "first line",
        "second line",
    ]


def test_a_heading_with_nothing_below_is_text() -> None:
    parsed = parse_markdown("# House\n\n## Closed on Mondays\n\n## Bar\n\nOpen.\n\n## No dogs")
    assert [block.text for block in parsed.blocks] == ["Closed on Mondays", "Open.", "No dogs"]


def test_html_between_the_paragraphs_is_read_as_on_a_page() -> None:
    table = "<table><tr><th>Room</th><th>Price</th></tr><tr><td>Lake</td><td>120</td></tr></table>"
    text = f"# Rooms\n\n<!-- not this -->\n\n{table}\n\n<details><summary>When?</summary>\n\nAt nine.\n\n</details>\n"
    assert [block.text for block in parse_markdown(text).blocks] == ["Room: Lake, Price: 120.", "When?", "At nine."]
