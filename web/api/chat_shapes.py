"""OpenAI's chat, its fields that a local model can honour, and ours: `documents` and `conversation`."""

import time
import uuid
from itertools import count
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .backend import Chat, Piece

Json = dict[str, Any]

MAX_MESSAGES = 1000
MAX_TOKENS = 32_768
MAX_STOPS = 16
Stop = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Collection = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]

Title = Annotated[str, Field(max_length=500)]
Origin = Annotated[str, Field(max_length=2_000)]


class TextPart(BaseModel):
    """A part of a message; other kinds of parts are refused."""

    type: Literal["text"]
    text: str


class CalledFunction(BaseModel):
    name: Name
    arguments: str


class ToolCall(BaseModel):
    """A call that the model made in an earlier turn."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class Message(BaseModel):
    """One message; `developer` is read as `system`."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None

    def plain(self) -> Json:
        """The message as every chat template takes it."""
        content = self.content or ""
        text = content if isinstance(content, str) else "\n".join(part.text for part in content)
        message: Json = {"role": "system" if self.role == "developer" else self.role, "content": text}
        if self.tool_calls:
            message["tool_calls"] = [call.model_dump() for call in self.tool_calls]
        if self.tool_call_id is not None:
            message["tool_call_id"] = self.tool_call_id
        return message


class Function(BaseModel):
    name: Name
    description: str | None = None
    parameters: Json | None = None


class Tool(BaseModel):
    type: Literal["function"]
    function: Function


class ChosenFunction(BaseModel):
    name: Name


class ChosenTool(BaseModel):
    type: Literal["function"]
    function: ChosenFunction


class JsonSchema(BaseModel):
    name: str = ""
    json_schema: Json | None = Field(default=None, alias="schema")


class ResponseFormat(BaseModel):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _schema_is_there(self) -> Self:
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("json_schema is missing")
        return self


class StreamOptions(BaseModel):
    include_usage: bool = False


class Documents(BaseModel):
    """Answer from some of the owner's documents: of one collection, of one title, from one source.

    A source is a file or an address, as `place` begins in an answer's `sources`. Nothing that is named leaves out
    nothing.
    """

    model_config = ConfigDict(extra="forbid")

    collection: Collection | None = None
    title: Title = ""
    source: Origin = ""


class Sampling(BaseModel):
    """How the model is to write."""

    max_tokens: int | None = Field(default=None, ge=1, le=MAX_TOKENS)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=MAX_TOKENS)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: Stop | Annotated[list[Stop], Field(max_length=MAX_STOPS)] | None = None

    def options(self) -> Json:
        """The fields that were given, as the engine takes them."""
        tokens = self.max_completion_tokens or self.max_tokens
        options = {"max_tokens": tokens, "temperature": self.temperature, "top_p": self.top_p, "stop": self.stop}
        options["seed"] = None if self.seed is None else self.seed % 2**32
        return {name: value for name, value in options.items() if value is not None}


class ChatRequest(Sampling):
    """OpenAI's chat request. Any `model` is accepted: one language model serves them all. Unknown fields are ignored.

    Ours, both optional: `documents` true answers from the owner's documents and gives the `sources`, an object from
    those of one `collection`, `title` or `source`; false asks the bare model. Left out, documents are used where the
    answer mode is `quote` (the starter models, which are sensible only so) and the request has neither tools nor a
    response format. `conversation` is the id of one that goes on, on whichever door it began: what was said in it comes
    before the last message, and of the other messages only those of the system count. True begins one; the answer's
    `conversation` is its id, another one if nobody knows the id that was asked for. Without it nothing is kept.
    """

    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    model: str = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[Tool] | None = Field(default=None, max_length=128)
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None
    response_format: ResponseFormat | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    documents: Documents | bool | None = None
    conversation: bool | Name | None = None

    @model_validator(mode="after")
    def _chosen_tool_is_offered(self) -> Self:
        if self.tool_choice == "required" and not self.tools:
            raise ValueError("tool_choice demands a call, and there are no tools")
        if isinstance(self.tool_choice, ChosenTool):
            names = {tool.function.name for tool in self.tools or ()}
            if self.tool_choice.function.name not in names:
                raise ValueError("tool_choice names a function that is not among the tools")
        return self

    def chat(self) -> Chat:
        """What the agent is asked."""
        chosen = self.documents if isinstance(self.documents, Documents) else Documents()
        return Chat(
            messages=[message.plain() for message in self.messages],
            options=self.options() | self._shape(),
            documents=True if isinstance(self.documents, Documents) else self.documents,
            collection=chosen.collection,
            title=chosen.title,
            source=chosen.source,
            conversation=self.conversation or False,
        )

    def _shape(self) -> Json:
        """What the answer may be besides plain text."""
        shape: Json = {}
        if self.tools:
            shape["tools"] = [tool.model_dump(exclude_none=True) for tool in self.tools]
            choice = self.tool_choice
            if choice is not None:
                shape["tool_choice"] = choice.model_dump() if isinstance(choice, ChosenTool) else choice
        if self.response_format and self.response_format.type != "text":
            shape["response_format"] = self.response_format.model_dump(by_alias=True, exclude_none=True)
        return shape


class SourceRow(BaseModel):
    """A passage that the answer rests on."""

    title: str
    place: str
    passage: str
    score: float


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(BaseModel):
    index: Literal[0] = 0
    message: AnswerMessage
    finish_reason: str


class Completion(BaseModel):
    """OpenAI's answer, with its `sources` and the `conversation` it belongs to."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    sources: list[SourceRow] = []
    conversation: str | None = None


class Chunks:
    """One answer in OpenAI's shapes."""

    def __init__(self, model: str) -> None:
        self._head: Json = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}
        self._is_first = True
        self._calls = count()
        """Clients put the fragments of one call together by its number in the whole answer."""

    def chunks(self, piece: Piece) -> list[Json]:
        """What is streamed of a piece; the sources and the conversation's id are in the chunk that ends the answer."""
        chunks: list[Json] = []
        if piece.text:
            chunks.append(self._chunk({"content": piece.text}))
        if piece.tool_calls:
            calls = [{"index": next(self._calls)} | call for call in piece.tool_calls]
            chunks.append(self._chunk({"tool_calls": calls}))
        if piece.finish_reason:
            chunks.append(self._chunk({}, piece.finish_reason) | _ours(piece))
        return chunks

    def usage(self, piece: Piece) -> Json:
        """The last chunk where the client wants the usage; it has no choices."""
        return self._head | {"object": "chat.completion.chunk", "choices": [], "usage": piece.usage}

    def completion(self, whole: Piece) -> Json:
        """The whole answer at once."""
        message: Json = {"role": "assistant", "content": whole.text or (None if whole.tool_calls else "")}
        if whole.tool_calls:
            message["tool_calls"] = list(whole.tool_calls)
        choice = {"index": 0, "message": message, "finish_reason": whole.finish_reason or "stop"}
        head = self._head | {"object": "chat.completion", "choices": [choice], "usage": whole.usage}
        return head | _ours(whole)

    def _chunk(self, delta: Json, finish_reason: str | None = None) -> Json:
        role = {"role": "assistant"} if self._is_first else {}
        self._is_first = False
        choice = {"index": 0, "delta": role | delta, "finish_reason": finish_reason}
        return self._head | {"object": "chat.completion.chunk", "choices": [choice]}


def source_rows(piece: Piece) -> list[Json]:
    """The sources as JSON."""
    return [
        {"title": one.title, "place": one.place, "passage": one.passage, "score": one.score} for one in piece.sources
    ]


def _ours(piece: Piece) -> Json:
    return {"sources": source_rows(piece), "conversation": piece.conversation}
