import pytest

from plugins.errors import InvalidRequest
from plugins.llama.prompt import CHATML, ChatTemplate, plain_message

HELLO = {"role": "user", "content": "hello"}
CALL = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}}


def test_chatml_ends_where_the_answer_begins() -> None:
    assert ChatTemplate(CHATML).render([{"role": "system", "content": "Be kind."}, HELLO]) == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
    )


def test_chatml_tells_the_model_of_its_tools_once() -> None:
    tool = {"type": "function", "function": {"name": "weather"}}
    prompt = ChatTemplate(CHATML).render([{"role": "system", "content": "Be kind."}, HELLO], [tool])
    assert prompt.count("<|im_start|>system") == prompt.count("Be kind.") == prompt.count('"name": "weather"') == 1


def test_chatml_shows_calls_and_their_results() -> None:
    messages = [
        HELLO,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "1", "content": "sunny"},
    ]
    prompt = ChatTemplate(CHATML).render(messages)
    assert '<tool_call>\n{"name": "weather", "arguments": {"city": "Bern"}}\n</tool_call><|im_end|>' in prompt
    assert "<tool_response>\nsunny\n</tool_response>" in prompt


def test_content_in_parts_becomes_one_text() -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    assert plain_message({"role": "user", "content": parts})["content"] == "one two"


def test_developers_speak_as_the_system() -> None:
    assert plain_message({"role": "developer", "content": "x"})["role"] == "system"


@pytest.mark.parametrize(
    "message",
    [
        {"content": "x"},
        {"role": 3, "content": "x"},
        {"role": "user", "content": 3},
        {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "x", "arguments": "{"}}]},
        {"role": "assistant", "content": "", "tool_calls": ["x"]},
    ],
)
def test_a_message_that_cannot_be_understood_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        ChatTemplate(CHATML).render([message])


def test_a_template_may_refuse_and_say_why() -> None:
    template = ChatTemplate("{{ raise_exception('roles must alternate') }}")
    with pytest.raises(InvalidRequest, match="roles must alternate"):
        template.render([HELLO])


def test_a_template_cannot_reach_out_of_its_sandbox() -> None:
    template = ChatTemplate("{{ messages.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(InvalidRequest):
        template.render([HELLO])


def test_thinking_aloud_is_switched_off() -> None:
    assert ChatTemplate("{{ enable_thinking }}").render([HELLO]) == "False"


def test_a_template_knows_the_names_of_begin_and_end() -> None:
    assert ChatTemplate("{{ bos_token }}x{{ eos_token }}", bos="<s>", eos="</s>").render([HELLO]) == "<s>x</s>"
