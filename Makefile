# Landline. `make run` and `make test` set everything up themselves; the rest is for convenience.

PYTHON ?= python3
VENV   := .venv/bin

.PHONY: help run test demo evaluate bench lint types unit e2e browser livekit web clean

help: ## show this list
	@grep -hE '^[a-z0-9_-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9_-]+):.*## /  make \1|/' | column -t -s '|'

run: ## set everything up and serve the agent
	@$(PYTHON) tools/setup.py run
	@exec $(VENV)/landline up

test: ## set everything up and run every check
	@$(PYTHON) tools/setup.py test
	@$(MAKE) --no-print-directory lint types unit e2e browser

demo: ## a three-turn call against a freshly started agent, and a report
	@$(PYTHON) tools/setup.py run
	@exec $(VENV)/landline demo

evaluate: ## measure the starter models again
	@$(PYTHON) tools/setup.py evaluate
	@exec $(VENV)/python -m training.evaluate

bench: ## every benchmark, on an otherwise quiet machine; writes bench/results
	@$(PYTHON) tools/setup.py bench
	@exec $(VENV)/python -m bench all

lint: ## style
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

types: ## types
	$(VENV)/pyright

unit: ## quick tests
	$(VENV)/pytest -m "not e2e and not browser"
	@$(PYTHON) tools/setup.py page-tests

# These run in real time: on a busy machine what failed is tried once more by itself.
e2e: ## tests of the whole system
	$(VENV)/pytest -m e2e || $(VENV)/pytest -m e2e --last-failed

browser: ## tests of the page in Chromium
	$(VENV)/pytest -m browser || $(VENV)/pytest -m browser --last-failed

livekit: ## build livekit-server into .cache/bin
	@$(PYTHON) tools/setup.py livekit

web: ## build the page
	@$(PYTHON) tools/setup.py web

clean: ## remove what was built, not your documents
	rm -rf .venv .cache run web/static web/client/node_modules tests/artifacts
