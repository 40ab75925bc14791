"""What the load on the HTTP door comes to."""

from bench.http import Count, Measured, different_questions, figures


def test_figures_are_of_all_requests_together() -> None:
    asked = Count(first_ms=[10.0, 20.0, 300.0], errors=1)
    bare = Count(first_ms=[50.0], tokens=900, errors=1)
    for _ in range(3):
        bare.opened()
    result = figures(Measured(asked, bare, bare_s=3.0, spoken_ms=[40.0, 60.0]))
    assert (result["streams"], result["errors"], result["answers"]) == (3, 2, 3)
    assert (result["ttft_p50_ms"], result["ttft_p95_ms"]) == (20, 300)
    assert (result["tokens_per_s"], result["speech_first_sentence_p95_ms"]) == (300, 60)


def test_nobody_asks_what_another_has_asked() -> None:
    texts = different_questions()
    assert len(texts) == len(set(texts))
    assert len(texts) > 600
    assert texts == different_questions()
