# Two commands: `make demo` shows the product, `make test` runs every check. Both install what they
# need, on a bare Debian 12 or 13 with Python, make and git.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SPEC ?= specs/dl-server.toml
OUT ?= out

# A file of requirements with hashes, from which the environment of the tests is made; empty: the
# newest releases that pyproject.toml allows.
REQUIREMENTS ?=
PIP_AUDIT ?= 2.10.1

# The number of test processes. More than cores, because half of the time of a test is often that of
# a server, a disk or a network.
WORKERS ?= $(shell echo $$(($(shell nproc) * 3 / 2 + 1)))
# An idle worker takes tests from another, so tests of one file mostly run in one process.
SPREAD := -n $(WORKERS) --dist worksteal
# Tests of minutes are distributed one at a time, the longest first.
ONE_BY_ONE := --dist load --maxschedchunk 1
# The systems on which both commands must pass.
BARE ?= bookworm trixie

.PHONY: requirements audit demo test test-lowest e2e e2e-ci fuzz figures coverage mutation bare lint unit install install-dev \
  system-packages golden \
  locks benchmark site dist clean

demo: install
	@scripts/demo "$(BIN)/rigspec" "$(SPEC)" "$(OUT)"

# mypy needs one core for a minute: the tests start meanwhile.
test: install-dev system-packages
	$(MAKE) --jobs 2 lint unit

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck .ci/run $(shell grep -l '^\#!.*bash' scripts/*)

unit: install-dev system-packages
	$(BIN)/python -m pytest $(SPREAD)

# The oldest dependencies that pyproject.toml allows: the tests of the language, the resolver, the
# importers and questions, in an environment of their own.
test-lowest: install-dev
	rm -rf $(VENV)-lowest
	$(BIN)/uv venv --quiet --python $(BIN)/python $(VENV)-lowest
	$(BIN)/uv pip install --quiet --python $(VENV)-lowest/bin/python --resolution lowest-direct ".[all]"
	$(BIN)/uv pip install --quiet --python $(VENV)-lowest/bin/python pytest pytest-xdist hypothesis jsonschema
	$(VENV)-lowest/bin/python -m pytest $(SPREAD) tests/spec tests/importing tests/query tests/resolve

# The tests of minutes or gigabytes, then both commands on bare systems. A virtual machine needs a core.
e2e: install-dev system-packages
	$(BIN)/python -m pytest -n auto $(ONE_BY_ONE) -m e2e
	$(MAKE) bare

# Those that a new machine with an empty cache completes in half an hour.
e2e-ci: install-dev system-packages
	$(BIN)/python -m pytest -n $(WORKERS) $(ONE_BY_ONE) -m "e2e and not nightly"

# `make demo` and `make test` on bare Debian systems, which need root.
bare: system-packages
	for suite in $(BARE); do scripts/bare-machine "$$suite" bash -c "make demo && make test"; done

# Each reader with drawn and mutated inputs, so many seconds each: no traceback, nothing over 2 s of
# CPU. Coverage guides the inputs if atheris is installed.
FUZZ_SECONDS ?= 600
FUZZ ?=
fuzz: install-dev
	$(BIN)/python -m tests.fuzz $(FUZZ) --seconds $(FUZZ_SECONDS)

# The table of docs/reference/figures.md: the attempts to break each part, at SCALE=1 in hours. Another
# SEED draws other inputs.
SCALE ?= 1
SEED ?= 1
FIGURES ?=
figures: install-dev system-packages $(VENV)/installed-figures
	$(BIN)/python -m tests.figures $(FIGURES) --scale $(SCALE) --seed $(SEED)

# The rows of what the tests run of the resolver, quoting, the check of locks (coverage.py: lines and
# branches) and the shell library of installers (commands, as bash itself prints them).
coverage:
	$(MAKE) figures FIGURES="resolver-coverage quoting-coverage lock-check-coverage installer-coverage"

# The rows of the mutants of cosmic-ray that the tests notice, as many as SCALE asks for.
mutation:
	$(MAKE) figures FIGURES="resolver-mutants quoting-mutants lock-check-mutants"

golden: install-dev
	$(BIN)/python -m pytest --update-golden

# Every spec except the one that `check` refuses. Locked versions stay; LOCK=--upgrade moves them.
locks: install
	for spec in $(filter-out specs/dl-server-as-written.toml,$(wildcard specs/*.toml)); do \
		$(BIN)/rigspec lock $(LOCK) "$$spec" -o "lockfiles/$$(basename "$$spec" .toml)"; \
	done

# The dependencies of the tests in CI, and their licences: after a change of pyproject.toml, and to
# move to newer releases.
requirements: install-dev
	$(BIN)/uv pip compile --quiet --upgrade pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --output-file ci/requirements.txt
	scripts/list-licences > ci/licences.txt

# Known vulnerabilities of the locked dependencies.
audit: install-dev
	$(BIN)/uv tool run --quiet pip-audit==$(PIP_AUDIT) --require-hashes --disable-pip \
		--requirement ci/requirements.txt
	scripts/list-licences | diff ci/licences.txt -

# The table of times in docs/concepts/performance.md: BENCHMARK=--write writes it there.
benchmark: $(VENV)/installed-benchmarks
	$(BIN)/python benchmarks/table.py $(BENCHMARK)

# The documentation, a page for each diagnostic, and the matrix. It opens from the file system as well.
site: $(VENV)/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "wrote build/site/index.html"

# The wheel, the source distribution, their SBOM and checksums in dist/: built twice to the same bytes.
dist: $(VENV)/installed-release
	@scripts/build-dist "$(BIN)" dist $(DIST)

install: $(VENV)/installed

install-dev: $(VENV)/installed-dev

$(VENV)/installed: pyproject.toml scripts/make-venv
	@scripts/make-venv "$(PYTHON)" "$(VENV)" all $(REQUIREMENTS)
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@scripts/make-venv "$(PYTHON)" "$(VENV)" dev $(REQUIREMENTS)
	@touch $@

$(VENV)/installed-docs: $(VENV)/installed
	@scripts/make-venv "$(PYTHON)" "$(VENV)" docs
	@touch $@

$(VENV)/installed-figures: $(VENV)/installed
	@scripts/make-venv "$(PYTHON)" "$(VENV)" figures
	@touch $@

$(VENV)/installed-benchmarks: $(VENV)/installed
	@scripts/make-venv "$(PYTHON)" "$(VENV)" benchmarks
	@touch $@

$(VENV)/installed-release: $(VENV)/installed
	@scripts/make-venv "$(PYTHON)" "$(VENV)" release
	@touch $@

system-packages:
	scripts/install-test-tools

clean:
	rm -rf "$(VENV)" "$(VENV)-lowest" "$(OUT)" build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
