import pytest
from faster_whisper.tokenizer import Tokenizer as WhisperTokenizer

from training.stt.sentences import CALLERS, corpus
from training.stt.tokens import Codec, Segment, train_tokenizer

BREAKFAST = Segment(start_s=0.4, end_s=1.5, words=("what", "time", "is", "breakfast"))


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(train_tokenizer(corpus(CALLERS, size=3000, seed=1)))


@pytest.mark.parametrize("text", ["what time is breakfast", "don't zigzag", "the xylophone in amselried"])
def test_text_survives_the_way_to_tokens_and_back(codec: Codec, text: str) -> None:
    target = codec.target([Segment(0.0, 1.0, tuple(text.split()))], timestamps=False)

    assert codec.text(target.labels) == text


def test_the_decoder_reads_what_it_said_one_step_before(codec: Codec) -> None:
    target = codec.target([BREAKFAST], timestamps=False)

    assert target.inputs[:2] == (codec.start, codec.no_timestamps)
    assert target.inputs[1:] == target.labels[:-1]
    assert target.labels[-1] == codec.end
    assert len(target.places) == len(target.labels)


def test_every_token_of_a_word_has_its_part_of_it(codec: Codec) -> None:
    places = codec.target([Segment(0.0, 1.0, ("a", "xylophone"))], timestamps=False).places

    long = [place for place in places if place and place.word == 1]
    assert places[0] is None and places[-1] is None
    assert (long[0].start, long[-1].end) == (0.0, 1.0)
    assert all(a.end == b.start for a, b in zip(long, long[1:], strict=False))


def test_timestamps_stand_around_the_words(codec: Codec) -> None:
    target = codec.target([BREAKFAST], timestamps=True)

    assert target.labels[0] == codec.stamp(0.4)
    assert target.labels[-2] == codec.stamp(1.5)
    assert codec.text(target.labels) == "what time is breakfast"


@pytest.mark.parametrize("timestamps", [False, True])
def test_without_speech_the_first_label_says_so_and_nothing_is_written(codec: Codec, timestamps: bool) -> None:
    target = codec.target([], timestamps=timestamps)

    assert target.labels == (codec.no_speech, codec.end)


def test_what_faster_whisper_forbids_is_not_needed_for_words(codec: Codec) -> None:
    forbidden = WhisperTokenizer(codec.tokenizer, multilingual=False).non_speech_tokens
    needed = {codec.tokenizer.token_to_id("Ġ"), *(codec.tokenizer.token_to_id(letter) for letter in "abcxyz")}

    assert not needed & set(forbidden)
