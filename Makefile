# You need Python 3.11 or newer and make; each target installs everything else that it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
AWS := .venv-awscli
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Two worker processes: tests share no state, and the machines that run them have two cores.
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
# With COVERAGE=yes, `make test` prints the share of lines that ran, for each module.
COVERED := $(if $(COVERAGE),--cov --cov-report=term:skip-covered)

.PHONY: help demo test test-slow test-browser test-all pictures chromium lint format bench clean

help:
	@echo "make demo          run a whole study on the built-in market, with simulated workers"
	@echo "make test          run the tests, on PostgreSQL too if TURKCTL_TEST_POSTGRES_URL is set (COVERAGE=yes: count lines)"
	@echo "make test-slow     run the tests marked slow"
	@echo "make test-browser  run the tests of the web pages in Chromium; if there is none, install one"
	@echo "make test-all      run all tests"
	@echo "make pictures      take the pictures of the documentation again"
	@echo "make lint          check format, lint, types and imports between packages"
	@echo "make bench         measure speed and memory, and compare with the targets"

demo: $(VENV)/.installed
	$(BIN)/turkctl demo

test: $(VENV)/.dev-installed $(AWS)/.installed
	$(PYTEST) -m "not slow and not browser" $(COVERED)

test-slow: $(VENV)/.dev-installed $(AWS)/.installed
	$(PYTEST) -m "slow and not browser"

test-browser: chromium
	$(PYTEST) -m browser

test-all: chromium $(AWS)/.installed
	$(PYTEST)

pictures: chromium
	TURKCTL_TEST_PICTURES=$(CURDIR)/docs/pictures $(BIN)/python -m pytest tests/docs/test_docs_pictures.py

chromium: $(VENV)/.dev-installed
	@sh .ci/chromium.sh $(CURDIR)/$(BIN)/python

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
		{ echo "turkctl needs Python 3.11 or newer; if you have one, type: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable '.[labels]'
	@touch $@

$(VENV)/.dev-installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/.installed $@

# The AWS command line needs one version of botocore, so it has an environment of its own.
$(AWS)/.installed: constraints-awscli.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(AWS)
	$(AWS)/bin/python -m pip --disable-pip-version-check --quiet install --constraint constraints-awscli.txt awscli
	@touch $@

clean:
	rm -rf $(VENV) $(AWS) .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
