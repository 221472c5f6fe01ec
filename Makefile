# Everything runs in a virtual environment made here from a bare python3 (3.11 or newer).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

QUESTION ?=
SOURCES ?=
KILLS ?= 200
SEED ?=
export QUESTION SOURCES

.PHONY: help demo demo-lakeflow test check format map chaos bench bench-peers eval clean screenshots

help:
	@echo 'make demo     watch an assistant start research, follow it and read the report'
	@echo '              QUESTION="..." SOURCES="dir ..." asks your own question of your documents'
	@echo 'make demo-lakeflow  the same as a team on Databricks does it, against a fake workspace'
	@echo 'make test     run all tests'
	@echo 'make check    format, lint and types'
	@echo 'make format   format the code'
	@echo 'make map      rooms, floors, arrows and circles of the packages'
	@echo 'make chaos    kill servers, runners and jobs by chance, then check every job (minutes)'
	@echo '              KILLS=20 of each kind instead of 200, SEED=7 for the choices of that run'
	@echo 'make bench    start-up, memory and latency beside a bare server'
	@echo 'make bench-peers  the same work here and in another way to run tools in the background'
	@echo 'make eval     how good the reports are'
	@echo 'make screenshots  the pictures of a report in docs/images (needs Chromium)'

demo: $(VENV)/.base
	@$(BIN)/python -m mcp_jobs_server.demo "$$QUESTION" $$SOURCES

demo-lakeflow: $(VENV)/.base
	@$(BIN)/python -m mcp_jobs_server.demo.lakeflow "$$QUESTION"

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --package mcp_jobs_server.backends.local
	$(BIN)/mypy --platform darwin --package mcp_jobs_server.backends.local

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

map:
	@$(PYTHON) -m tests.structure

chaos: $(VENV)/.dev
	$(BIN)/python -m tests.chaos --kills $(KILLS) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks --write docs/benchmarks.md

bench-peers: $(VENV)/.dev $(VENV)-peers/.made
	$(BIN)/python -m tests.benchmarks.peers $(VENV)-peers/bin/python

$(VENV)-peers/.made:
	$(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check 'fastmcp[tasks]==4.1.2'
	@touch $@

eval: $(VENV)/.dev
	$(BIN)/python -m tests.evaluation

screenshots: $(VENV)/.dev
	$(BIN)/python -m tests.browser

clean:
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable . --constraint constraints.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) --editable '.[semantic]' --constraint constraints.txt
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' > $(VENV)/dev.txt
	$(PIP) --requirement $(VENV)/dev.txt --constraint constraints.txt
	@touch $@
