# make demo | test | check | lab-test | coverage-bench | bench | fuzz | screenshots | clean
#
# The first two do all the set-up on a fresh machine that has Python 3.11+, pip and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run
DEV := $(VENV)/.dev

.PHONY: demo test lint check lab-test coverage-bench bench fuzz screenshots clean

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(RUN): pyproject.toml | $(BIN)/pip
	@echo "Installing vpi-tui into $(VENV) ..."
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/pip
	@echo "Installing vpi-tui and what its tests need into $(VENV) ..."
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(RUN)

demo: $(RUN)
	$(BIN)/vpi-tui warmup
	$(BIN)/vpi-tui demo

# Kernels are compiled once before, else each worker would compile them all. Three keep two cores busy: some tests wait.
test: $(DEV)
	$(BIN)/vpi-tui warmup
	$(BIN)/pytest -m "not lab" -n 3 --dist worksteal

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

# Needs root: network namespaces, real bridges, real sockets.
lab-test: $(DEV)
	$(BIN)/pytest -m lab -rs -n 3 --dist loadfile tests/lab

# The accuracy of coverage with known traffic of 30 seconds in each arrangement.
coverage-bench: $(DEV)
	VPI_TUI_COVERAGE_SECONDS=30 $(BIN)/pytest -m lab -rs tests/lab/test_coverage*.py

bench: $(DEV)
	$(BIN)/python -m benchmarks $(BENCH)

# Ten minutes of CPU for each target, two at a time; goes on where it stopped. TARGET=http1 is one of them.
FUZZ_SECONDS ?= 600
fuzz: $(DEV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(BIN)/python -m benchmarks.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ) $(TARGET)
	$(BIN)/python -m benchmarks fuzz

screenshots: $(DEV)
	$(BIN)/python screenshots/make.py

clean:
	rm -rf $(VENV) .fuzz .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
