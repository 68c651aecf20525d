# make demo | test | check | bench | screenshots | lab-test | clean

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check bench lab-test clean

$(STAMP): pyproject.toml
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet -e '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/python -m vpi_tui.capture.demo $(VENV)/demo.pcap
	$(BIN)/vpi-tui scan -r $(VENV)/demo.pcap --eve $(VENV)/demo-eve.json

test: $(STAMP)
	$(BIN)/pytest -m "not lab"

check: $(STAMP)
	$(BIN)/ruff check vpi_tui tests
	$(BIN)/pytest -m "not lab"

lab-test: $(STAMP)
	$(BIN)/pytest -m lab

bench: $(STAMP)
	$(BIN)/python benchmarks/scan.py $(CAPTURE)

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
