# Every command a contributor needs; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PEERS := .venv/peers/.installed
WORKERS ?= 2
# Rooms that exist: benchmarks and examples are checked as strictly as the package.
CHECKED := $(wildcard src tests benchmarks examples docs)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fix rpc contracts browser bench docs gas mutants soak clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with everything pinned by constraints.txt

# The constraint variables also pin what builds this package: pip reads one or the other, by version.
$(STAMP): pyproject.toml constraints.txt tests/ledger/second_opinion.txt
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "needs Python 3.11 or later with venv: apt install python3 python3-venv" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_BUILD_CONSTRAINT=$(CURDIR)/constraints.txt \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --editable '.[torch,plot,examples,onnx,dev]'
	rm -rf .venv/second-opinion
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --target .venv/second-opinion --requirement tests/ledger/second_opinion.txt
	@touch $@

demo: setup ## run the hospitals example, verify the run, show the table
	$(BIN)/sheaf run examples/hospitals && $(BIN)/sheaf verify --last
	$(BIN)/python examples/pooled.py examples/hospitals --least 0.98 --within 0.01

test: setup ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS)

check: setup ## format, lint, types, import layers; writes nothing
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/ruff check --no-fix $(CHECKED)
	$(BIN)/mypy $(CHECKED)
	$(BIN)/lint-imports

fix: setup ## format and repair what ruff can
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

rpc: setup ## the contracts' tests and a task on a real anvil (needs Node and npm)
	$(MAKE) -C contracts node_modules/.stamp
	$(BIN)/python -m pytest -n $(WORKERS) --engine anvil tests/conformance tests/contracts tests/rpc

contracts: setup ## compile, compare artefacts, fuzz, analyse (needs Node and npm)
	$(MAKE) -C contracts check

browser: setup tests/browser/node_modules/.stamp ## open the audit report in Chromium (needs Node, npm; SHEAF_SHOTS=DIR keeps pictures)
	$(BIN)/python -m pytest --browser tests/browser

tests/browser/node_modules/.stamp: tests/browser/package.json tests/browser/package-lock.json
	cd tests/browser && npm ci
	@touch $@

bench: setup $(PEERS) ## measure against bare engines and peers (BENCH=--quick for a look)
	$(BIN)/python -m benchmarks.run $(BENCH)

$(PEERS): benchmarks/peers.txt | $(STAMP)
	rm -rf .venv/peers
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --target .venv/peers --requirement benchmarks/peers.txt
	@touch $@

docs: setup ## render the reference pages from the code
	$(BIN)/python docs/render.py

gas: setup ## compare gas per action with the snapshot
	$(BIN)/python -m benchmarks.gas --check

mutants: setup ## break specification and contracts on purpose; the tests must notice (MUTANTS=...)
	$(BIN)/python tests/mutants/run.py $(MUTANTS)

soak: setup ## kill runs a thousand times, fail every file call once, flip bits (hours; SOAK="--seed 7")
	$(BIN)/python -m tests.e2e.kills --instants 1000 --every $(SOAK)
	$(BIN)/python -m tests.e2e.failures
	$(BIN)/python -m tests.e2e.flips --flips 10000 $(SOAK)

clean: ## remove caches and builds; keeps .venv and runs
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +
