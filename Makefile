# SPDX-License-Identifier: GPL-2.0-or-later
# make run    set up and run the main job on the bundled sample archive (ARCHIVE=PATH for a real one)
# make install  set up .venv with the command, and run nothing
# make web    serve the web pages on the database that make run made (PORT=8080)
# make site   write the documentation of the rules as a static site (SITE=build/site)
# make test   set up and pass the tests
# make rule   check the examples of one rule: make rule ID=safety-two-tags
# make check  what CI runs: format, lint, types, import contracts, tests, generated docs fresh
# make schema  write the schema of a new database, after a new migration
# make mutants  mutation testing, not in CI: all mutants take hours, SAMPLE=100 SEED=1 PACKAGE=rules/lint takes a part
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARCHIVE ?=
PORT ?= 8080
SITE ?= build/site
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run install web site test rule check mutants format lint types contracts docs docs-fresh golden schema sample bench lock clean

run: $(VENV)/.ready
	@$(BIN)/patchwarden run --once $(if $(ARCHIVE),--archive "$(ARCHIVE)")

install: $(VENV)/.ready
	@$(BIN)/python -m compileall -q bot rules

web: $(VENV)/.ready
	@test -e var/patchwarden.db || $(BIN)/patchwarden run --once
	@$(BIN)/patchwarden web --port $(PORT)

site: $(VENV)/.ready
	@$(BIN)/python -m bot.web.rule_site "$(SITE)"

test: $(VENV)/.ready-dev
	$(BIN)/pytest -n auto

rule: $(VENV)/.ready
	@$(BIN)/python -m rules.check_rule $(ID)

check: lint types contracts docs-fresh test

lint: $(VENV)/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/.ready-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.ready-dev
	$(BIN)/mypy

contracts: $(VENV)/.ready-dev
	$(BIN)/lint-imports

docs: $(VENV)/.ready
	$(BIN)/python -m bot.reference docs

docs-fresh: $(VENV)/.ready
	@$(BIN)/python -m bot.reference --check docs

golden: $(VENV)/.ready-dev
	GOLDEN=rewrite $(BIN)/pytest -q tests/bot/test_golden.py

schema: $(VENV)/.ready-dev
	SCHEMA=rewrite $(BIN)/pytest -q tests/bot/store/test_schema.py

sample: $(VENV)/.ready-dev
	$(BIN)/python -m tests.sample.build

mutants: $(VENV)/.ready-dev
	$(BIN)/python -m tests.mutants $(PACKAGE) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.ready-dev
	$(BIN)/python -m tests.bench $(ARCHIVE) $(if $(KERNEL),--kernel $(KERNEL))

# The locks name versions and hashes, no index: make lock needs uv, nothing else does.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml requirements-build.in -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml requirements-build.in --extra postgres -o requirements-postgres.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml requirements-build.in --extra cluster --extra lsp --extra postgres --group dev -o requirements-dev.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "patchwarden: setting up $(VENV) (first time only)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --require-hashes --no-deps -r requirements.lock
	@$(BIN)/pip install -qq --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@$(BIN)/python -m compileall -q bot rules
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	@$(BIN)/pip install -qq --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) var build ./*.egg-info
