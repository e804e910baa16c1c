# The two to know: `make chat` opens the chat, `make test` checks everything.
# Each first makes or mends .venv where it has to; `scripts/setup` returns at once otherwise.

run := .venv/bin/python

.PHONY: help setup chat index test eval lint format lock clean
.DEFAULT_GOAL := help

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "make %-8s%s\n", $$1, $$2}'

setup:  ## make .venv from the lock files, if it is missing or they changed
	@bash scripts/setup

chat: index  ## open the chat at 127.0.0.1:7860, on this machine only
	@$(run) ui.py

index: setup  ## build index/ from corpus/, if it is missing or the pages changed
	@$(run) -m rag index

test: lint  ## lint, types and tests: all that has to pass
	@$(run) -m pytest --numprocesses 2 --dist loadfile $(ARGS)

eval: setup  ## measure grounding on the fixed questions; fails if it got worse (ARGS=--write-baseline)
	@$(run) eval/check_questions.py
	@$(run) -m eval.run $(ARGS)

lint: setup  ## style, format and types, changing nothing
	@$(run) -m ruff check
	@$(run) -m ruff format --check
	@$(run) -m mypy

format: setup  ## put the code into the common format
	@$(run) -m ruff check --fix
	@$(run) -m ruff format

lock: setup  ## resolve pyproject.toml into the lock files again (ARGS=--upgrade: newer versions)
	@$(run) scripts/lock $(ARGS)

clean:  ## delete what was built: .venv, index/ and caches
	@find index -mindepth 1 ! -name README.md -delete
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	@find rag tests eval -name __pycache__ -type d -prune -exec rm -rf {} +
