"""`python -m agent.settings > .env.example`: what may be set, for whoever sets it."""

from agent.settings import example

print(example(), end="")
