# make run    simulated venues and the functions on http://localhost:7071 (MARKET=live for the real ones)
# make test   every test this machine can run; what is skipped is named
# make check  format, lint, types and the import contract
# make package  what is deployed: dist/package.zip
# make clean  removes the environment, the packages and what was scanned here (.venv, dist, .data)
PYTHON ?= python3
MARKET ?= simulated
PORT ?= 7071
SEED ?= 1
VENV := .venv
BIN := $(VENV)/bin
export MARKET PORT SEED

.PHONY: run test check package clean help

help:
	@sed -n 's/^# //p' Makefile

run: $(VENV)/.run
	@exec $(BIN)/python -m localhost

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

package: $(VENV)/.run
	$(BIN)/python infra/package/build.py

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "there is no $(PYTHON): install Python 3.11 or newer, or name one, as in make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: install Python 3.11 or newer, or name one, as in make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: install it (on Debian and Ubuntu the package python3-venv), or name another Python with make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .data dist
