"""Weights of several trainings become one set."""

import torch

from training.stt.average import average


def test_each_weight_is_the_mean_of_its_rounds() -> None:
    rounds = [{"w": torch.tensor([1.0, 3.0])}, {"w": torch.tensor([3.0, 5.0])}]
    assert average(rounds)["w"].tolist() == [2.0, 4.0]


def test_what_is_counted_is_taken_from_the_last_round() -> None:
    assert average([{"steps": torch.tensor(1)}, {"steps": torch.tensor(7)}])["steps"].item() == 7
