"""`python -m agent` is the same as `landline`."""

from agent.cli import app

if __name__ == "__main__":
    app()
