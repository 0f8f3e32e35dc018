# What people type here. `make` alone lists it.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
WEB := $(if $(wildcard backend/web/package.json),backend/web/node_modules/.installed)
BROWSER := $(if $(wildcard tests/browser/test_*.py),browser)

.DEFAULT_GOAL := help
.PHONY: help run test check bench soak drill format lock browser

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: $(INSTALLED) ## start everything on this machine, until Ctrl-C
	@$(BIN)/exit10 up $(ARGS)

test: check $(BROWSER) ## check, then run every test but the soak
	@$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: $(INSTALLED) $(WEB) ## lint, format, types, and whether openapi.json is true
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: make format"; exit 1; }
	@$(BIN)/pyright
	@$(BIN)/exit10 openapi --check
	@$(if $(WEB),npm run --silent --prefix backend/web check)

bench: $(INSTALLED) ## measure against baseline and floor
	@$(BIN)/python -m tests.benchmarks $(ARGS)

soak: $(INSTALLED) ## run the tests that take minutes
	@$(BIN)/pytest -m soak $(ARGS)

drill: $(INSTALLED) ## rehearse Friday with 22,000 phones
	@$(BIN)/exit10 drill $(ARGS)

format: $(INSTALLED) ## lay the code out
	@$(BIN)/ruff check --quiet --select I --fix .
	@$(BIN)/ruff format --quiet .

# Besides: what builds Exit 10 itself, and what redis needs before Python 3.11.3.
lock: ## pin what pyproject.toml asks for, with hashes
	@$(PYTHON) -m venv .lock
	@.lock/bin/pip -qq --disable-pip-version-check install pip-tools
	@printf '%s\n' async-timeout editables hatchling | .lock/bin/pip-compile --quiet \
		--generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
		--extra dev $(ARGS) --output-file requirements.lock - pyproject.toml
	@rm -rf .lock

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Exit 10 needs Python 3.11 or newer. If you have one: make run PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
		{ echo "Python has no venv here. On Debian: apt install python3-venv"; exit 1; }
	@echo "Installing into .venv, once. This takes a minute …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

backend/web/node_modules/.installed: backend/web/package-lock.json
	@command -v npm >/dev/null || { echo "The web app's checks need Node: install node and npm."; exit 1; }
	@npm ci --prefix backend/web --silent --no-audit --no-fund
	@touch $@

browser: $(INSTALLED)
	@.ci/chromium
