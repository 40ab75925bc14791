"""What the starter language model is trained on."""

import random
from itertools import islice

import torch
from tokenizers import Tokenizer

from agent.prompts import read_stock
from training.llm.batches import branches, collate, encode
from training.llm.invent import Caller, Inventor, Turn, read_talk, read_templates
from training.llm.network import Network, Shape
from training.llm.tokens import train_tokenizer
from training.llm.train import decision_loss, wording_losses

STOCK = {name: line.text for name, line in read_stock().items()}


def turns(count: int, seed: int = 1) -> list[Turn]:
    return list(islice(Caller(random.Random(seed), stock=STOCK).turns(), count))


def tokenizer() -> Tokenizer:
    return train_tokenizer([line for turn in turns(50) for line in turn.lines], pieces=500)


def test_the_answer_is_always_one_of_the_lines() -> None:
    assert all(turn.answer in turn.lines for turn in turns(500))


def test_the_best_line_by_words_is_often_but_not_always_right() -> None:
    made = turns(600)
    share = sum(turn.lines[0] == turn.answer for turn in made) / len(made)
    assert 0.5 < share < 0.8


def test_the_same_seed_makes_the_same_turns_and_another_others() -> None:
    assert turns(20) == turns(20) != turns(20, seed=2)


def test_some_turns_follow_up_and_some_find_nothing() -> None:
    made = turns(300)
    assert any(turn.history for turn in made)
    assert any(turn.answer == STOCK["not_in_documents"] for turn in made)


def test_every_template_makes_a_whole_sentence() -> None:
    inventor = Inventor(random.Random(1))
    for template in read_templates():
        fact = inventor.facts(template=template)
        assert fact.sentence.endswith((".", "?")) and fact.sentence[0].isupper()
        assert not set("{}") & set(fact.sentence + "".join(fact.questions))


def test_small_talk_of_training_answers_with_lines_that_exist() -> None:
    assert set(read_talk()) <= set(STOCK)


def test_branches_are_where_lines_part_ways() -> None:
    assert branches([1, 2, 3], [[1, 2, 3], [1, 4, 3], [9, 2, 3]]) == [(0, (1, 9)), (1, (2, 4))]
    assert branches([1, 2, 3], [[1, 2, 3]]) == []
    assert branches([1, 2], [[1, 2], [1, 2, 3]]) == []


def test_names_and_digits_are_read_in_small_pieces_that_give_the_text_back() -> None:
    text = "Zorvik costs 1050 euros, café."
    encoded = tokenizer().encode(text)
    assert tokenizer().decode(encoded.ids) == text
    assert [token for token in encoded.tokens if token.strip("Ġ").isdigit()] == ["Ġ1", "0", "5", "0"]
    assert not any(token.startswith("ĠZ") and len(token) > 2 for token in encoded.tokens)


def test_a_batch_marks_answers_and_decisions() -> None:
    words = tokenizer()
    example = encode(turns(1)[0], words)
    batch = collate([example, encode(turns(2)[1], words)])
    assert batch.ids[0][batch.answer[0]].tolist() == example.ids[example.start :]
    row, time = batch.choice_row[0], batch.choice_time[0]
    assert batch.ids[row, time + 1] == batch.allowed[0, 0]


def test_losses_are_finite_and_reach_every_weight() -> None:
    words = tokenizer()
    network = Network(Shape(vocabulary=words.get_vocab_size(), width=64, layers=2, heads=2, hidden=96))
    batch = collate([encode(turn, words) for turn in turns(4)])
    hidden = network.hidden(batch.ids)
    deciding, right = decision_loss(network, hidden, batch)
    copying, reading = wording_losses(network, hidden, batch, share=1.0)
    (deciding + copying + reading).backward()
    assert 0 <= right <= 1
    assert all(torch.isfinite(weight.grad).all() for weight in network.parameters() if weight.grad is not None)
    assert all(weight.grad is not None for weight in network.parameters())
