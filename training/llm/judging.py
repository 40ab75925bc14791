"""Fit when documents are taken to answer: `python -m training.llm.judging` prints `knowledge.judging.Weights`.

Only the development questions are used. Its thresholds are set so that few answers are lost; the
cross-validated table says how many unanswerable questions are then turned away.
"""

from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from agent.settings import EMBEDDERS
from knowledge.embeddings import Embedder
from knowledge.judging import Evidence, Weights
from training.llm.evaluate import DEMO, DEVELOPMENT, first_line, house, read

LOST_SHARES = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06)
UNCERTAIN, LOST = 0.08, 0.02
"""Shares of answerable questions that may be answered with a warning or not at all, and that may be turned away."""

Rows = list[tuple[Evidence, bool]]


def gather() -> Rows:
    """The evidence on every development question, and whether the documents answer it."""
    embedder = Embedder(threads=1, copies=EMBEDDERS)
    return [
        *_asked_of(DEMO, DEVELOPMENT.demo, embedder),
        *_asked_of(DEVELOPMENT.other_documents, DEVELOPMENT.others, embedder),
    ]


def _asked_of(documents: Path, questions: Path, embedder: Embedder) -> Rows:
    with house(documents, embedder, first_line) as business:
        asked = [(questions, True), (DEVELOPMENT.silent, False)]
        found = [(business.retriever.evidence(row["question"]), known) for path, known in asked for row in read(path)]
    return [(evidence, answered) for evidence, answered in found if evidence]


def fit(observed: NDArray[np.float64], answered: NDArray[np.bool_]) -> tuple[Weights, NDArray[np.float64]]:
    """The weights, and every question's sum when it was not fitted on."""
    model = LogisticRegression(C=10)
    unseen = cross_val_predict(model, observed, answered, cv=10, method="decision_function")
    model.fit(observed, answered)
    slopes = {field.name: float(slope) for field, slope in zip(fields(Evidence), model.coef_[0], strict=True)}
    sums = observed @ model.coef_[0]
    certain, possible = (float(np.quantile(sums[answered], share)) for share in (UNCERTAIN, LOST))
    return Weights(**slopes, certain=certain, possible=possible), unseen


def main() -> None:
    """Print the weights and what they cost."""
    rows = gather()
    observed = np.array([[getattr(evidence, field.name) for field in fields(Evidence)] for evidence, _ in rows], float)
    answered = np.array([is_answered for _, is_answered in rows])
    weights, unseen = fit(observed, answered)
    for share in LOST_SHARES:
        turned_away = float(np.mean(unseen[~answered] < np.quantile(unseen[answered], share)))
        print(f"losing {share:.0%} of {answered.sum()} answers turns away {turned_away:.1%} of {(~answered).sum()}")
    print(weights)


if __name__ == "__main__":
    main()
