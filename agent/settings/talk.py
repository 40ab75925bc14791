"""Settings of what is said: from which documents, in which manner, and what is kept of it."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import SettingsConfigDict

from agent.settings.section import Section


class KnowledgeSettings(Section):
    """The owner's documents."""

    model_config = SettingsConfigDict(env_prefix="KNOWLEDGE_")

    uri: str = "data/knowledge"
    """Folder of the LanceDB index, or its place in an object store, such as s3://bucket/knowledge."""
    collection: str = "default"
    """Collection that calls are answered from."""
    passages: PositiveInt = 5
    """Passages that a question brings into the prompt."""
    uploads: Path = Path("data/uploads")
    """Folder that keeps the documents which are uploaded on the owner's page."""
    max_document_mb: PositiveInt = 20
    """Size above which a document is refused, in megabytes."""
    reranker: Path | None = None
    """Folder of a sentence-transformers cross-encoder that puts the passages found in order. Empty: none, faster."""
    demo: bool = True
    """Put the demo documents in when the index is a folder and nothing is in it yet."""
    s3_endpoint: str = ""
    """Address of an S3-compatible server for s3:// documents and indexes, such as http://127.0.0.1:9000. Empty: AWS."""
    s3_region: str = ""
    """Region of the S3 server. Empty: what AWS's own settings say."""
    s3_access_key: str = ""
    """Key for the S3 server. Empty: what AWS's own settings say."""
    s3_secret_key: SecretStr = SecretStr("")
    """Secret that belongs to that key."""
    storage_options: dict[str, str] = {}
    """Further storage options of LanceDB for an index in an object store, as JSON."""


class AnswerSettings(Section):
    """How the agent answers."""

    model_config = SettingsConfigDict(env_prefix="ANSWER_")

    mode: Literal["auto", "quote", "free"] = "auto"
    """`quote`: word for word from the documents. `free`: the model's own words. `auto`: quote with starter models."""
    history_messages: PositiveInt = 10
    """Messages of the conversation that the model sees."""
    history_tokens: PositiveInt = 1500
    """Tokens that those messages may take together."""
    max_tokens: PositiveInt = 160
    """Tokens after which an answer is cut."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Randomness of the model's words. 0: none."""
    cache: int = Field(default=1000, ge=0)
    """Answers to first questions that are kept for others who ask the same of the same passages. 0: none."""
    max_typed_chars: PositiveInt = 4000
    """Characters of a typed message that are read; the rest is left out, and the caller told so."""


class ConversationsSettings(Section):
    """What is kept of conversations. Landline sends none of it anywhere."""

    model_config = SettingsConfigDict(env_prefix="CONVERSATIONS_")

    keep: bool = True
    """Keep what was said, so that a conversation can go on later and through another door."""
    database: SecretStr = SecretStr("data/conversations.db")
    """Where: a SQLite file, or postgresql://USER:PASSWORD@HOST/DATABASE for several machines."""
    retention_days: float = Field(default=30, ge=0, le=100_000)
    """Days after its last turn that a conversation and its recordings are deleted. 0: never."""
    record: bool = False
    """Record calls, caller left and agent right. The greeting then says so. Only where conversations are kept."""
    recordings: Path = Path("data/recordings")
    """Folder of the recordings; each is deleted with its conversation."""

    @property
    def is_recording(self) -> bool:
        """Whether calls are recorded: a recording that belongs to no conversation could not be deleted with it."""
        return self.record and self.keep


class TurnSettings(Section):
    """When a turn ends, and when the agent stops for the caller."""

    model_config = SettingsConfigDict(env_prefix="TURN_")

    vad: Literal["builtin", "silero"] = "builtin"
    """Voice activity detector: LiveKit's built-in one, or livekit-plugins-silero."""
    detector: Literal["words", "v1-mini", "vad"] = "words"
    """What decides that a turn is over: silence and what was said, LiveKit's local end-of-turn model as well (255 MB,
    for natural voices), or silence alone."""
    min_silence_s: PositiveFloat = 0.25
    """Silence after which the voice activity detector reports the end of speech."""
    min_delay_s: float = Field(default=0.25, ge=0)
    """Silence that ends a turn whose words are complete, such as a whole question; with `vad`, any turn."""
    open_delay_s: PositiveFloat = 0.45
    """Silence that ends a turn whose words tell nothing about its end."""
    max_delay_s: PositiveFloat = 1.2
    """Silence that ends a turn in any case, even after "and" or in the middle of a phone number."""
    interruption_min_s: PositiveFloat = 0.1
    """Speech of the caller that silences the agent, until it is clear whether it was meant for it."""
    echo_guard_s: float = Field(default=0.6, ge=0)
    """Time after the agent's first word in which the caller cannot interrupt, while echo cancellation settles."""
