# Two commands do everything on a machine with Python (3.11 or newer), git and make:
#   make demo   install into .venv, run the main job on sample_data/, show the results
#   make test   linter, type checker, all tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint typecheck tests bench sample_data clean

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; found: $$($(PYTHON) --version). Set PYTHON=python3.12, say." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/mriparaspinal run sample_data --out demo
	@echo
	@echo "The rows of one segment (demo/results/L4.csv):"
	@head -n 4 demo/results/L4.csv
	@echo
	@echo "The comparisons (demo/comparison/comparisons.csv):"
	@cut -d, -f1-9,24-29 demo/comparison/comparisons.csv | head -n 4
	@echo
	@echo "Results: demo/results   Comparisons: demo/comparison"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(VENV)/.installed-dev
	$(BIN)/mypy

tests: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 -q

test: lint typecheck tests

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/startup.py

# The sample cohort is made by the tool itself; a test holds the two together.
sample_data: $(VENV)/.installed
	rm -rf sample_data
	$(BIN)/mriparaspinal phantom sample_data --als 8 --lr 8 --seed 1 --size 256

clean:
	rm -rf $(VENV) demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
