# Two commands: `make demo` ends with a working cluster in the sandbox, `make test` passes the offline tests.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: demo environment test lint test-engine test-cluster drills bench bench-preview bench-leftovers aws-smoke lock down

environment: $(VENV)/.installed

$(VENV)/.installed: requirements-dev.txt sandbox/requirements.txt
	@echo "environment: making $(VENV) from $^"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "quorate needs Python 3.11 or newer; set PYTHON=...")'
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps $(addprefix -r ,$^)
	@touch $@

demo: environment
	@$(RUN) -m sandbox.demo

test: lint
	@$(RUN) -m pytest -q -n auto --dist loadfile

lint: environment
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy .
	@$(VENV)/bin/shellcheck components/node/boot/*.sh sandbox/bench/*.sh .ci/*

test-engine: environment
	@$(RUN) -m sandbox.toolchain
	@$(RUN) -m pytest -q -n auto -m '(engine or slow) and not drill'

test-cluster: environment
	@$(RUN) -m pytest -q -m 'cluster and not drill'

# More interruptions, faults, pools, network plugins, the prod stack, takeover: some five hours.
drills: environment
	@$(RUN) -m pytest -q -m drill

# WRITE=--write puts the tables into docs/measurements.md; RUNS=3 is the number of runs; STACK=prod measures that one,
# SET="etcd.topology=stacked etcd.instanceType=" with these settings.
bench: environment
	@$(RUN) -m sandbox.bench speed $(addprefix --stack ,$(STACK)) $(addprefix --runs ,$(RUNS)) $(addprefix --set ,$(SET)) $(WRITE)

bench-preview: environment
	@$(RUN) -m sandbox.bench preview $(addprefix --runs ,$(RUNS)) $(WRITE)

bench-leftovers: environment
	@$(RUN) -m sandbox.bench leftovers $(addprefix --runs ,$(RUNS)) $(WRITE)

# What no sandbox can know, asked of the account: STACK=prod; WATCH=900 while `pulumi up` runs beside it.
aws-smoke: environment
	@$(RUN) -m operations aws-smoke --stack $(or $(STACK),prod) $(addprefix --watch ,$(WATCH))

down: environment
	@$(RUN) -m sandbox down

# After a change of pyproject.toml. Hashes only: no lock names where packages come from. The later locks keep to the
# versions of the earlier ones, since one .venv holds all three.
LOCK := $(VENV)/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header

lock: environment
	@$(LOCK) --output-file requirements.txt pyproject.toml
	@$(LOCK) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	@$(LOCK) --extra sandbox --constraint requirements-dev.txt --output-file sandbox/requirements.txt pyproject.toml
