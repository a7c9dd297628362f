# Everything here sets itself up on a machine that has Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AWS := .venv-awscli
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Two worker processes: tests share nothing, and the machines that run them have two cores.
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
# COVERAGE=yes has `make test` print the share of lines that ran, by module.
COVERED := $(if $(COVERAGE),--cov --cov-report=term:skip-covered)

.PHONY: help demo test test-slow test-all lint format bench clean

help:
	@echo "make demo      the product at work, on the built-in market with simulated workers"
	@echo "make test      the tests (PostgreSQL's too where TURKCTL_TEST_POSTGRES_URL is set; COVERAGE=yes counts lines)"
	@echo "make test-all  those marked slow as well"
	@echo "make lint      formatting, lint, types, the arrows between the parts"
	@echo "make bench     measurements, each beside its target"

demo: $(VENV)/.installed
	$(BIN)/turkctl demo

test: $(VENV)/.dev-installed $(AWS)/.installed
	$(PYTEST) -m "not slow" $(COVERED)

test-slow: $(VENV)/.dev-installed $(AWS)/.installed
	$(PYTEST) -m slow

test-all: $(VENV)/.dev-installed $(AWS)/.installed
	$(PYTEST)

lint: $(VENV)/.dev-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev-installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev-installed
	$(BIN)/python -m benchmarks

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "turkctl needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable '.[labels]'
	@touch $@

$(VENV)/.dev-installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/.installed $@

# The AWS command line pins botocore, so that it lives apart.
$(AWS)/.installed: constraints-awscli.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(AWS)
	$(AWS)/bin/python -m pip --disable-pip-version-check --quiet install --constraint constraints-awscli.txt awscli
	@touch $@

clean:
	rm -rf $(VENV) $(AWS) .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
