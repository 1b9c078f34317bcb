# `make help` lists what there is. Every target sets up what it needs in .venv; a second run does not install again.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
NATIVE := CMakeLists.txt $(wildcard scan2sim/splats/native/* splatwm/native/*)
RUN_INSTALLED := $(VENV)/.run-installed
DEV_INSTALLED := $(VENV)/.dev-installed
ISAACLAB := .venv-isaaclab
PYTHON312 ?= python3.12
BANANA := assets/captures/banana
MODEL := assets/models/splatwm.safetensors

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-isaaclab physx lint format check build clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## ?(.*)/  make \1|\2/' | column -t -s '|'

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.11 or newer, or call make PYTHON=/path/to/python"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(RUN_INSTALLED): pyproject.toml $(NATIVE) | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(DEV_INSTALLED): pyproject.toml $(NATIVE) | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(RUN_INSTALLED)

demo: $(RUN_INSTALLED)  ## sixteen photos of bananas become a simulated scene in outputs/banana
	$(BIN)/scan2sim build $(BANANA) -o outputs/banana --quality draft
	$(BIN)/scan2sim export outputs/banana --to mjcf -o outputs/banana-mjcf --overwrite
	$(BIN)/splatwm rollout $(MODEL) outputs/banana --push any -o outputs/banana/07-imagined --video
	$(BIN)/scan2sim report outputs/banana || test $$? -eq 3  # 3: the gate says no, and why
	@echo "Open outputs/banana/report.html, or look around in it: $(BIN)/scan2sim view outputs/banana"

# threads that wait without spinning: several tests at a time share the cores
PYTEST := OMP_WAIT_POLICY=passive $(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

test: $(DEV_INSTALLED) lint  ## all tests, linter and type checker
	$(PYTEST)

test-fast: $(DEV_INSTALLED)  ## the tests that take seconds
	$(PYTEST) -m "not slow"

$(ISAACLAB)/.installed:
	@command -v $(PYTHON312) >/dev/null || { echo "$(PYTHON312) not found: Isaac Lab 3 needs Python 3.12"; exit 2; }
	$(PYTHON312) -m venv $(ISAACLAB)
	$(ISAACLAB)/bin/pip install --quiet --disable-pip-version-check "isaaclab>=3.0,<4"
	@touch $@

test-isaaclab: $(DEV_INSTALLED) $(ISAACLAB)/.installed  ## exported tasks run in Isaac Lab with Newton (8 GB, minutes)
	$(BIN)/pytest tests/export/test_isaaclab.py

physx: $(DEV_INSTALLED)  ## PhysX for the tests that compare engines; without its wish for an old packaging, which pytest cannot have
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps "ovphysx>=0.7" ovstage physx-usd-schemas newton-usd-schemas "warp-lang>=1.16,<2"

lint: $(DEV_INSTALLED)  ## ruff and pyright
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/pyright

format: $(DEV_INSTALLED)  ## rewrite the code the way ruff wants it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

build: $(DEV_INSTALLED)  ## a wheel in dist/
	$(BIN)/pip wheel --quiet --no-deps -w dist .

clean:  ## remove what can be made again
	rm -rf build dist outputs .pytest_cache .ruff_cache .hypothesis
