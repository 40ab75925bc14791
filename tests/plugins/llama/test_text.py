from plugins.llama.text import Characters, Stops, held_back


def test_a_character_cut_in_two_appears_when_it_is_whole() -> None:
    characters = Characters()
    assert characters.feed(b"caf\xc3") == "caf"
    assert characters.feed(b"\xa9!") == "é!"


def test_an_emoji_in_four_pieces_appears_once() -> None:
    characters = Characters()
    assert "".join(characters.feed(bytes([byte])) for byte in "🙂".encode()) == "🙂"


def test_broken_bytes_become_replacement_characters_and_do_no_more_harm() -> None:
    characters = Characters()
    assert characters.feed(b"a\xff") + characters.feed(b"b") + characters.finish() == "a\ufffdb"


def test_half_a_character_at_the_end_is_replaced() -> None:
    characters = Characters()
    assert characters.feed(b"\xe2\x82") == ""
    assert characters.finish() == "\ufffd"


def test_text_passes_at_once_without_stop_strings() -> None:
    stops = Stops(())
    assert stops.feed("anything") == "anything"
    assert stops.finish() == ""


def test_text_ends_before_the_stop_string() -> None:
    stops = Stops(("END",))
    assert stops.feed("one END two") == "one "
    assert stops.reached
    assert stops.feed("three") == ""


def test_a_stop_string_across_deltas_never_shows_its_beginning() -> None:
    stops = Stops(("END",))
    assert stops.feed("one E") == "one "
    assert stops.feed("N") == ""
    assert stops.feed("D two") == ""
    assert stops.reached


def test_what_only_looked_like_a_stop_string_is_given_later() -> None:
    stops = Stops(("END",))
    assert stops.feed("one EN") == "one "
    assert stops.feed("OUGH") == "ENOUGH"
    assert not stops.reached


def test_a_false_start_may_contain_the_true_one() -> None:
    stops = Stops(("aab",))
    assert stops.feed("aa") == ""
    assert stops.feed("a") == "a"
    assert stops.feed("b") == ""
    assert stops.reached


def test_the_earliest_of_several_stop_strings_wins() -> None:
    stops = Stops(("two", "one"))
    assert stops.feed("zero one two") == "zero "


def test_held_back_text_is_given_at_the_end() -> None:
    stops = Stops(("END",))
    assert stops.feed("the EN") == "the "
    assert stops.finish() == "EN"


def test_held_back_counts_the_longest_possible_beginning() -> None:
    assert held_back("xx<too", ("<tool>", "</tool>")) == 4
    assert held_back("none", ("<tool>",)) == 0
    assert held_back("<tool>", ("<tool>",)) == 0
