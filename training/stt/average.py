"""Average the weights of several trainings: `python -m training.stt.average ROUND.pt ROUND.pt… --output FOLDER`.

A training that goes on with a high rate and comes to rest again ends elsewhere than before. Half way between such ends
lies a better model than either. `training.stt.train` leaves every end in its folder as `round-MINUTES.pt`.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.stt.export import export
from training.stt.model import Shape
from training.stt.train import DEFAULT_FOLDER, STARTER, Learner, prepare_codec, prepare_phones

State = Mapping[str, Tensor]


def average(states: Sequence[State]) -> dict[str, Tensor]:
    """The mean of each weight; what is counted rather than learned is taken from the last."""
    return {
        name: torch.stack([state[name].float() for state in states]).mean(0) if last.is_floating_point() else last
        for name, last in states[-1].items()
    }


def main() -> None:
    """Read, average, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=Path, nargs="+")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--output", type=Path, default=STARTER)
    options = parser.parse_args()
    states: list[dict[str, Any]] = [torch.load(path, weights_only=True)["learner"] for path in options.rounds]
    codec = prepare_codec(options.folder)
    shape = Shape(vocabulary=codec.size, width=options.width)
    learner = Learner(shape, prepare_phones(options.folder).sizes())
    learner.load_state_dict(average(states))
    export(learner.model, codec, options.output)


if __name__ == "__main__":
    main()
