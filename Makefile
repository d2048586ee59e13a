# Every command a contributor needs; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
WORKERS ?= 2
# Rooms that exist: benchmarks and examples are checked as strictly as the package.
CHECKED := $(wildcard src tests benchmarks examples)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check fix contracts bench gas mutants clean

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
	  --editable '.[torch,examples,dev]'
	rm -rf .venv/second-opinion
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --target .venv/second-opinion --requirement tests/ledger/second_opinion.txt
	@touch $@

demo: setup ## run the hospitals example, verify the run, show the table
	$(BIN)/sheaf run examples/hospitals && $(BIN)/sheaf verify --last
	$(BIN)/python examples/hospitals/pooled.py

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

contracts: setup ## compile, compare artefacts, fuzz, analyse (needs Node and npm)
	$(MAKE) -C contracts check

bench: setup ## measure against bare engines and peers, as ratios
	@for script in $(filter-out benchmarks/gas.py,$(sort $(wildcard benchmarks/[a-z]*.py))); do \
	  echo "== $$script"; $(BIN)/python $$script || exit 1; done

gas: setup ## compare gas per action with the snapshot
	$(BIN)/python benchmarks/gas.py --check

mutants: setup ## break the contracts on purpose; the tests must notice
	$(BIN)/python tests/mutants/run.py

clean: ## remove caches and builds; keeps .venv and runs
	rm -rf build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +
