"""What every section of settings is made of."""

from pathlib import Path

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
        env_file=".env", extra="ignore", frozen=True, use_attribute_docstrings=True, protected_namespaces=()
    )
