# Two commands do everything on a machine with Python (3.11 or newer), git and make:
#   make demo   install into .venv, run the main job on sample_data/, show the results
#   make test   linter, type checker, all tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The versions that CI installs. Others: make test CONSTRAINTS=/dev/null
CONSTRAINTS := constraints.txt
PIP := -m pip install --quiet --disable-pip-version-check
# Tests start hundreds of commands: each would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint typecheck tests docs bench faults sample_data clean fuzz dist lowest constraints audit

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; found: $$($(PYTHON) --version). Set PYTHON=python3.12, say." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=$(CONSTRAINTS) $(BIN)/python $(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	PIP_CONSTRAINT=$(CONSTRAINTS) $(BIN)/python $(PIP) -e '.[dev]'
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
	$(BIN)/codespell

typecheck: $(VENV)/.installed-dev
	$(BIN)/mypy

# Two processes; each file of tests stays in one of them, so that what it makes for all of its tests is made once.
SPREAD := -n 2 --dist loadfile --no-loadscope-reorder
# The tests that count the lines of the packages that numbers come from: those of these packages, and of the commands
# that read. Counting almost doubles the time of a test: all others go without, as do two that hold hundreds of models
# against R, which go through the same lines again and again. The examples of the package, short and many, come last:
# neither process then waits long for the other.
AGAINST_R := $(patsubst %,tests/stats/test_%.py,model_against_r roc_model_in_r)
COUNTED := $(addprefix tests/,brain clinical core dataset imaging io measure scans) \
  $(filter-out $(AGAINST_R),$(wildcard tests/stats/test_*.py)) \
  $(patsubst %,tests/commands/test_%.py,check maps masks merge prepare prepare_levels regions score) \
  $(addprefix mriparaspinal/,core dataset imaging io measure stats)
tests: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(SPREAD) -q --cov --cov-report=term $(COUNTED)
	$(BIN)/python -m pytest $(SPREAD) -q $(addprefix --ignore=,$(COUNTED)) tests mriparaspinal

test: lint typecheck tests

# The documentation as a site that opens from disk: site/index.html.
docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/stages.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/parallel.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/waiting.py

# A hundred runs killed at random moments: two minutes.
faults: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/faults.py
	REVIEW_KILLS=50 $(BIN)/python -m pytest -q tests/review/test_journal.py -k killed

# The sample cohort is made by the tool itself; a test holds the two together.
sample_data: $(VENV)/.installed
	rm -rf sample_data
	$(BIN)/mriparaspinal phantom sample_data --als 8 --lr 8 --seed 1 --size 256

# Unsound inputs through every door; see docs/robustness.md. Coverage-guided, too, where atheris can be installed.
FUZZ_INPUTS := 100000
FUZZ_SECONDS := 240
fuzz: $(VENV)/.installed-dev
	@PIP_CONSTRAINT=$(CONSTRAINTS) $(BIN)/python $(PIP) -e '.[fuzz]' 2>/dev/null || echo "atheris cannot be installed here"
	$(BIN)/python -m fuzz --inputs $(FUZZ_INPUTS) --seconds $(FUZZ_SECONDS)

# A wheel and an sdist; the wheel alone in an empty environment does the main job, and demo and init in a folder with
# blanks; then the tests of the unpacked sdist, without its source of the package, pass against it. For some of them:
# make dist DIST_TESTS=tests/io
DIST_TESTS := tests
dist: $(VENV)/.installed-dev
	rm -rf dist .venv-dist
	PIP_CONSTRAINT=$(CONSTRAINTS) $(BIN)/python $(PIP) build hatchling
	$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	$(BIN)/python scripts/check_dist.py dist
	PIP_CONSTRAINT=$(abspath $(CONSTRAINTS)) $(PYTHON) scripts/check_wheel.py dist
	$(PYTHON) -m venv .venv-dist
	PIP_CONSTRAINT=$(CONSTRAINTS) .venv-dist/bin/python $(PIP) dist/*.whl
	mkdir dist/unpacked && tar -xzf dist/*.tar.gz -C dist/unpacked --strip-components=1
	rm -r dist/unpacked/mriparaspinal
	cd dist/unpacked && ../../.venv-dist/bin/mriparaspinal run sample_data --out demo --quiet
	PIP_CONSTRAINT=$(CONSTRAINTS) .venv-dist/bin/python $(PIP) "$$(ls dist/*.whl)[dev]"
	cd dist/unpacked && ../../.venv-dist/bin/pytest $(SPREAD) -q $(DIST_TESTS)

# The tests with the lowest versions that pyproject.toml allows. Old libraries warn of what newer ones, which
# they use, will drop.
LOWEST_TESTS := tests
lowest:
	rm -rf .venv-lowest && $(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python scripts/lowest_bounds.py > .venv-lowest/constraints.txt
	.venv-lowest/bin/python $(PIP) -c .venv-lowest/constraints.txt -e '.[dev]'
	.venv-lowest/bin/python -m pytest $(SPREAD) -q -W ignore::DeprecationWarning $(LOWEST_TESTS)

# Known weaknesses of the pinned versions; skipped, and said so, where the database cannot be reached.
audit: $(VENV)/.installed-dev
	PIP_CONSTRAINT=$(CONSTRAINTS) $(BIN)/python $(PIP) pip-audit
	$(BIN)/python scripts/audit.py

# constraints.txt anew, from what the package indexes have today.
constraints:
	rm -rf .venv-constraints && $(PYTHON) -m venv .venv-constraints
	.venv-constraints/bin/python $(PIP) -e '.[dev,fuzz]' build hatchling pip-audit
	head -n 2 constraints.txt > .venv-constraints/new
	.venv-constraints/bin/python -m pip list --format=freeze --exclude-editable --disable-pip-version-check | \
	  grep -v -e '^pip==' -e '^setuptools==' | sort -f >> .venv-constraints/new
	mv .venv-constraints/new constraints.txt
	rm -rf .venv-constraints

clean:
	rm -rf $(VENV) .venv-dist .venv-lowest dist demo site fuzz/failures .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
