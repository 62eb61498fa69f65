# Every target sets up .venv by itself; Python 3.11 or later and make are all that a machine needs.
PYTHON ?= python3
BIN := .venv/bin
RUNS := .venv/runs
READY := .venv/ready
ENGINES := .venv-engines
RIVALS := build/rivals
RIVALS_LIST := benchmarks/tables/masses/rivals/requirements.txt

.PHONY: demo test test-engines check bench bench-likelihood bench-masses docs clean help

help:
	@echo "make demo   train a NADE on real digits, in under two minutes; pictures and model in chainrule-demo/"
	@echo "make test   all tests but those of test-engines, with the time each part took"
	@echo "make test-engines   tests that need Spark, Ray or several processes that train, in an environment of their own"
	@echo "make check  format, lint and types only"
	@echo "make bench  timings and likelihoods, written to benchmarks/results/"
	@echo "make bench-likelihood   the published sets, trained and scored; what was run already is not run again"
	@echo "make bench-masses   held-out rows on one measure, with rivals in an environment of their own; takes hours"
	@echo "make docs   the documentation as a site, in site/"
	@echo "make clean  remove what the other targets made"

define enter
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chainrule needs Python 3.11 or later; name one: make PYTHON=python3.11")'
$(PYTHON) -m venv .venv
endef

# What the program needs; what developers need comes with the targets that ask for it.
$(RUNS): pyproject.toml constraints.txt
	$(enter)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $(RUNS)

$(READY): pyproject.toml constraints.txt
	$(enter)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(RUNS) $(READY)

demo: $(RUNS)
	$(BIN)/chainrule demo

test: $(READY)
	$(BIN)/python scripts/run_tests.py

# Spark and Ray bring half a gigabyte that no other test needs; fits on several processes take time.
$(ENGINES)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(ENGINES)
	$(ENGINES)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[engines]'
	touch $(ENGINES)/ready

test-engines: $(ENGINES)/ready
	CHAINRULE_ENGINES=1 $(ENGINES)/bin/python -m pytest tests/distributed tests/docs/test_at_any_size.py

check: $(READY)
	$(BIN)/python scripts/run_tests.py check

bench: $(READY)
	$(BIN)/python -m benchmarks.speed.kernels
	$(BIN)/python -m benchmarks.speed.networks
	$(BIN)/python -m benchmarks.speed.fits
	$(BIN)/python -m benchmarks.speed.forms
	$(BIN)/python -m benchmarks.speed.default_fit
	$(BIN)/python -m benchmarks.likelihood.binarized_mnist
	$(BIN)/python -m benchmarks.tables.rules quick
	$(BIN)/python -m benchmarks.tables.seconds
	$(BIN)/python -m benchmarks.tables.prove
	$(BIN)/python -m benchmarks.comparison.run
	$(BIN)/python -m benchmarks.events.census
	$(BIN)/python -m benchmarks.events.coverage
	$(BIN)/python -m benchmarks.events.ask
	$(BIN)/python -m benchmarks.coding.run

bench-likelihood: $(READY)
	$(BIN)/python -m benchmarks.likelihood.run

# Rivals have other requirements than the program.
$(RIVALS)/ready: $(RIVALS_LIST)
	$(PYTHON) -m venv $(RIVALS)
	$(RIVALS)/bin/python -m pip install --quiet --requirement $(RIVALS_LIST)
	touch $(RIVALS)/ready

bench-masses: $(READY) $(RIVALS)/ready
	CHAINRULE_RIVALS=$(CURDIR)/$(RIVALS)/bin/python $(BIN)/python -m benchmarks.tables.masses

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv $(ENGINES) dist build site .pytest_cache .ruff_cache .hypothesis chainrule-demo chainrule-compare
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
