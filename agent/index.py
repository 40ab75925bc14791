"""The settings' index, opened for an embedding model or for the one that it was made with."""

from agent.settings import Settings
from knowledge.index import Index
from knowledge.places import S3Access


def s3_access(settings: Settings) -> S3Access:
    """How the settings reach the object store."""
    knowledge = settings.knowledge
    return S3Access(
        endpoint=knowledge.s3_endpoint,
        region=knowledge.s3_region,
        access_key=knowledge.s3_access_key,
        secret_key=knowledge.s3_secret_key.get_secret_value(),
    )


def index_of(settings: Settings, *, embedder: str, dim: int, below: str = "") -> Index:
    """The index of the settings for one embedding model; `below` names a place inside it."""
    knowledge = settings.knowledge
    options = (s3_access(settings).storage_options if "://" in knowledge.uri else {}) | knowledge.storage_options
    uri = f"{knowledge.uri.rstrip('/')}/{below}" if below else knowledge.uri
    return Index(uri, embedder, dim, options=options)


def index_as_made(settings: Settings) -> Index:
    """The index as the embedding model that it was made with would open it; an empty one if there is none."""
    embedder, dim = index_of(settings, embedder="", dim=1).made_with() or ("", 1)
    return index_of(settings, embedder=embedder, dim=dim)
