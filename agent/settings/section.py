"""What every section of settings is made of."""

from pathlib import Path
from typing import Any

from pydantic import ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent.parent
STARTER = ROOT / "models" / "starter"
EMBEDDERS = Path("run/embedders")
"""Embedding models in a form that loads quickly, made from the models themselves."""

DEVELOPMENT_KEY = "landline-dev"
DEVELOPMENT_SECRET = "landline-development-secret-only-for-loopback"


class Section(BaseSettings):
    """A group of settings that share a prefix. Each field's docstring is its documentation."""

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="allow",
        dotenv_filtering="match_prefix",
        frozen=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )  # what is allowed too is what a file has under the prefix: `load` refuses it by its name

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any, field: ValidationInfo) -> Any:
        """`NAME=` is nothing where nothing is the default, as `.env.example` says; a path would be the folder `.`."""
        is_optional = field.field_name and cls.model_fields[field.field_name].default is None
        return None if value == "" and is_optional else value
