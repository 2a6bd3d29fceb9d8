# Every target works on a fresh clone and sets up what it needs. Variables: PYTHON, TORCH_INDEX_URL, TEST_PROCESSES, TORTURE_KILLS, PLAYGROUND_*.

PYTHON ?= python3
TORCH_INDEX_URL ?=
TEST_PROCESSES ?= 2
TORTURE_KILLS ?= 200
VENV := .venv
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
INSTALL = @echo "Installing what constraints.txt pins into $(VENV); the first time this takes a few minutes." && \
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	$(if $(TORCH_INDEX_URL),--extra-index-url $(TORCH_INDEX_URL))
# Two test processes share the processor; threads that each library adds within them only wait for one another.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest
FAST := $(PYTEST) -n $(TEST_PROCESSES) --dist worksteal -m "not slow and not acceptance"
SLOW := $(PYTEST) -n $(TEST_PROCESSES) --dist worksteal -m "slow and not acceptance"
ACCEPTANCE := $(PYTEST) -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder -m acceptance

# Compiled modules are kept even where the environment forbids it: every server that a test starts would compile them anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-postgresql check format bench load torture verify-statistics docs clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## install the runtime and start the service on 127.0.0.1:8000
	$(VENV)/bin/context-playground serve

test: $(DEVELOPMENT) ## run every test: fast, slow, then acceptance where PLAYGROUND_DATA is set
	$(FAST)
	$(SLOW)
ifneq ($(PLAYGROUND_DATA),)
	$(ACCEPTANCE)
else
	@echo "PLAYGROUND_DATA is not set: the acceptance tests did not run"
endif

test-fast: $(DEVELOPMENT) ## run the tests that need neither the model nor a server
	$(FAST)

test-postgresql: $(DEVELOPMENT) ## run the fast tests on PostgreSQL instead of SQLite
	PLAYGROUND_TEST_DATABASE=postgresql $(FAST)

check: $(DEVELOPMENT) ## check format, lint, types, architecture and the Dockerfile
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(PYTEST) -m "not slow" tests/architecture
	$(VENV)/bin/hadolint Dockerfile

format: $(DEVELOPMENT) ## format the source and mend what the linter can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: $(DEVELOPMENT) ## measure and print the table of figures (FULL=1 for all documents)
	$(VENV)/bin/python -m tests.benchmarks

load: $(DEVELOPMENT) ## let 32 clients ask, upload, delete and experiment for ten minutes (LOAD_SECONDS, LOAD_CLIENTS)
	$(VENV)/bin/python -m tests.benchmarks.load

torture: $(DEVELOPMENT) ## kill processes at work 200 times on each database and audit what is left (TORTURE_KILLS)
	$(VENV)/bin/python -m tests.torture --database sqlite --kills $(TORTURE_KILLS)
	$(VENV)/bin/python -m tests.torture --database postgresql --kills $(TORTURE_KILLS)

verify-statistics: $(RUNTIME) ## simulate every statistical rule and write docs/statistics.md
	$(VENV)/bin/python -m app.evaluation.statistics.verification

docs: $(RUNTIME) ## write docs/settings.md, docs/parts.md, docs/models.md and docs/openapi.json anew
	$(VENV)/bin/python -m app.documentation

clean: ## remove the environment and every cache; the data folder stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find app configs indexes ingest tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Python 3.11 or later is needed; '$(PYTHON)' is not. Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e .
	@touch $@

$(DEVELOPMENT): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) -e '.[development,office]'
	@touch $(RUNTIME) $@
