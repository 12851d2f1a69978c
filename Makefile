# Two commands: `make demo` and `make test`. Both install what they need, on a bare Debian 12 with
# Python 3.11, make and git.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SPEC ?= specs/dl-server.toml
OUT ?= out

# How many processes run tests: a number, or `auto`, one a core.
WORKERS ?= auto
# A worker that has nothing left takes from another: tests of one file stay together mostly.
SPREAD := -n $(WORKERS) --dist worksteal
# Tests that take minutes each are handed out one at a time, the longest first.
ONE_BY_ONE := -n $(WORKERS) --dist load --maxschedchunk 1

.PHONY: demo test e2e e2e-ci lint unit install system-packages golden locks benchmark clean

demo: install
	scripts/demo "$(BIN)/rigspec" "$(SPEC)" "$(OUT)"

test: install system-packages lint unit

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck .ci/run scripts/*

unit: install system-packages
	$(BIN)/python -m pytest $(SPREAD)

# The tests that take minutes or gigabytes: machines that boot, frameworks of today, whole toolkits.
e2e: install system-packages
	$(BIN)/python -m pytest $(ONE_BY_ONE) -m e2e

# Of these what a fresh machine with an empty cache does in half an hour.
e2e-ci: install system-packages
	$(BIN)/python -m pytest $(ONE_BY_ONE) -m "e2e and not nightly"

golden: install
	$(BIN)/python -m pytest --update-golden

# Every spec but the one that `check` refuses. What is locked stays; LOCK=--upgrade moves it.
# RIGSPEC_APT_UBUNTU and RIGSPEC_APT_DEBIAN name the archives of which this host has no sources.
locks: install
	for spec in $(filter-out specs/dl-server-as-written.toml,$(wildcard specs/*.toml)); do \
		$(BIN)/rigspec lock $(LOCK) "$$spec" -o "lockfiles/$$(basename "$$spec" .toml)"; \
	done

benchmark: install
	$(BIN)/python benchmarks/check.py

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml scripts/make-venv
	scripts/make-venv "$(PYTHON)" "$(VENV)"
	touch $@

system-packages:
	scripts/install-test-tools

clean:
	rm -rf "$(VENV)" "$(OUT)" build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
