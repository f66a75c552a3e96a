# Each target does all of its own set-up in .venv, from a fresh clone.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test lint format bench measure clean

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/'

demo: .venv/installed ## take two sample photos apart; no file needed
	$(BIN)/deocclude demo coffee --output demo-out/coffee --force
	$(BIN)/deocclude demo motorcycle --output demo-out/motorcycle --force

test: .venv/installed-dev ## run the test suite
	$(BIN)/python -m pytest

lint: .venv/installed-dev ## ruff and mypy, strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed-dev ## rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/installed-dev ## run the benchmarks; minutes
	for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

DATA ?= $(or $(DEOCCLUDE_DATA),../shared/data)

measure: .venv/installed ## regenerate the tables in docs/measured; needs the development data, minutes
	for set in cocoa_demo5 lmo; do \
	  $(BIN)/deocclude evaluate ordering --data $(DATA)/$$set --reference-protocol \
	    --method area-small area-large y-axis convex -o docs/measured/$$set-ordering-reference.md --force || exit 1; \
	  $(BIN)/deocclude evaluate amodal --data $(DATA)/$$set --reference-protocol \
	    --method raw convex convexR -o docs/measured/$$set-amodal-reference.md --force || exit 1; \
	  $(BIN)/deocclude evaluate ordering --data $(DATA)/$$set -o docs/measured/$$set-ordering.md --force || exit 1; \
	  $(BIN)/deocclude evaluate amodal --data $(DATA)/$$set --order pcnet-m \
	    --method raw convex convexR pcnet-m pcnet-m-nog pcnet-m-rgb \
	    -o docs/measured/$$set-amodal.md --force || exit 1; \
	done
	$(BIN)/deocclude evaluate amodal --data $(DATA)/cocoa_cls --order pcnet-m \
	  --method raw convex convexR pcnet-m pcnet-m-rgb -o docs/measured/cocoa_cls-amodal.md --force
	for set in cocoa_demo5 lmo; do \
	  $(BIN)/deocclude evaluate ordering --data $(DATA)/$$set --gap 5 \
	    --method convex pcnet-m -o docs/measured/$$set-ordering-gap.md --force || exit 1; \
	done

clean: ## remove what the targets made
	rm -rf .venv demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@ .venv/installed
