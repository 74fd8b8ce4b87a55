# Two commands do all set-up: `make demo` and `make test`. Everything lives in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
HOME_DIR ?= demo/home

.PHONY: help install demo test test-all check fix serve clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# A stamp per set of extras: installed again only when what it depends on changes.
$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(VENV)/.all: $(VENV)/.dev
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev,clip,timm,heif,vlm]'
	@touch $@

$(VENV)/.service: $(VENV)/.base
	$(PIP) install --quiet --constraint constraints.txt --editable '.[service]'
	@touch $@

install: $(VENV)/.base  ## the embedded default: SQLite + FAISS, no torch

demo: $(VENV)/.base  ## index sample_db, check its edited copies, write demo/report.html
	$(BIN)/provenance --home $(HOME_DIR) ingest sample_db/photos --manifest sample_db/credits.csv
	$(BIN)/provenance --home $(HOME_DIR) check sample_db/queries --report demo/report.html

test: $(VENV)/.dev  ## the tests; no GPU, no network beyond the package registries
	$(BIN)/python -m pytest

test-all: $(VENV)/.all  ## the same with the extras clip, timm, heif and vlm (torch: some GB)
	$(BIN)/python -m pytest

check: $(VENV)/.dev  ## style, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.dev  ## mend what the style checker can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

serve: $(VENV)/.service  ## answer checks over HTTP on 127.0.0.1:8000, with sample_db's photos
	$(BIN)/provenance --home $(HOME_DIR) ingest sample_db/photos --manifest sample_db/credits.csv
	$(BIN)/provenance --home $(HOME_DIR) serve

clean:  ## remove what demo and the checkers leave; the environment stays
	rm -rf demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
