from collections.abc import Callable
from pathlib import Path

import pytest

from plugins.errors import ModelCorrupt, ModelMissing
from plugins.llama.model import Generation, LlamaModel, collect
from plugins.llama.weights import threads_for

LoadModel = Callable[..., LlamaModel]


def load(path: Path) -> LlamaModel:
    return LlamaModel(path, threads=1, context_tokens=256, slots=1)


def test_a_missing_file_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"nowhere\.gguf is missing.*landline models pull"):
        load(tmp_path / "nowhere.gguf")


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model at all" * 100])
def test_a_file_that_is_no_model_is_named_with_the_way_to_mend_it(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelCorrupt, match=r"broken\.gguf cannot be read.*landline models verify"):
        load(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_file_cut_short_is_corrupt(tmp_path: Path, gguf_path: Path, share: float) -> None:
    whole = gguf_path.read_bytes()
    path = tmp_path / "short.gguf"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelCorrupt):
        load(path)


def test_a_model_without_a_vocabulary_is_refused(tmp_path: Path, make_gguf: Callable[..., Path]) -> None:
    with pytest.raises(ModelCorrupt, match="vocabulary"):
        load(make_gguf(tmp_path / "mute.gguf", tokenizer="none"))


def test_a_template_with_a_syntax_error_is_corrupt(tmp_path: Path, make_gguf: Callable[..., Path]) -> None:
    with pytest.raises(ModelCorrupt, match="chat template"):
        load(make_gguf(tmp_path / "odd.gguf", template="{% for %}"))


async def test_a_model_without_a_template_speaks_chatml(
    tmp_path: Path, make_gguf: Callable[..., Path], load_model: LoadModel
) -> None:
    model = load_model(make_gguf(tmp_path / "plain.gguf", template=None))
    wish = Generation(messages=[{"role": "user", "content": "hello"}], max_tokens=1)
    answer = await collect(model.generate(wish))
    assert answer.usage and answer.usage.prompt_tokens == len("user\nhello\nassistant\n") + 3


def test_loading_and_closing_again_and_again_works(gguf_path: Path) -> None:
    for _ in range(3):
        load(gguf_path).close()


async def test_nothing_is_printed_while_a_model_works(
    load_model: LoadModel, ask: Callable[..., Generation], capfd: pytest.CaptureFixture[str]
) -> None:
    await collect(load_model().generate(ask("a secret", temperature=1.0)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("megabytes", "threads"), [(1, 1), (15, 1), (20, 2), (400, 8)])
def test_a_small_model_is_computed_by_fewer_threads_than_there_are(megabytes: int, threads: int) -> None:
    assert threads_for(megabytes * 2**20, most=8) == threads
    assert threads_for(megabytes * 2**20, most=1) == 1
