# Two commands are all a newcomer needs:
#
#   make run     train a network on real images of digits, and write build/report.html
#   make test    run the tests
#
# Everything is installed into .venv here; compiled code is kept in your cache folder.

PYTHON ?= python3
VENV   := .venv

ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif

# Test processes: as many as there are processors, at most 8 (each loads SciPy and LLVM).
JOBS ?= $(shell n=$$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); \
	[ "$$n" -gt 8 ] && n=8; echo "$$n")

# A stamp says that an installation finished; it is remade when pyproject.toml changes.
STAMPS := $(VENV)/.stamps
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

.PHONY: run test lint format types bench figures clean help
.NOTPARALLEL:
.DELETE_ON_ERROR:

run: $(STAMPS)/core
	@mkdir -p build
	@$(BIN)/chainrule fit digits --report build/report.html

# Arguments for pytest can be given: make test ARGS="tests/graph -k shape"
test: $(STAMPS)/test
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

lint: $(STAMPS)/dev
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

format: $(STAMPS)/dev
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

types: $(STAMPS)/dev
	@$(BIN)/python -m mypy

# Both variables pin BLAS to slower kernels; no contender should run with them.
bench: $(STAMPS)/bench
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python -m benchmarks $(ARGS)

# The numbers that each network should reach, into docs/figures.md.
figures: $(STAMPS)/bench
	@$(BIN)/python -m benchmarks figures $(ARGS)

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile
	@echo "For contributors: make lint, format, types, bench, figures, clean (see CONTRIBUTING.md)."

$(STAMPS)/venv:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "chainrule needs Python 3.11 or later, and there is no '$(PYTHON)' here." >&2; \
	  echo "Install one, or name yours: make PYTHON=/path/to/python run" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "chainrule needs Python 3.11 or later; '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1)." >&2; \
	  echo "Install a newer one, or name yours: make PYTHON=python3.12 run" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/core: pyproject.toml $(STAMPS)/venv
	@echo "Installing chainrule and what it needs into $(VENV) (once; about a minute) ..."
	@$(INSTALL) .
	@touch $@

$(STAMPS)/test $(STAMPS)/dev $(STAMPS)/bench: $(STAMPS)/%: pyproject.toml $(STAMPS)/venv
	@echo "Installing chainrule and its $* extra into $(VENV) (once; a minute or two) ..."
	@$(INSTALL) ".[$*]"
	@touch $(STAMPS)/core $@
