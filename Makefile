# Two commands matter: `make reproduce` and `make test`. Each makes its own virtual environment.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CIFAR  ?= ../shared/data/cifar10_jpeg.npz

.PHONY: help reproduce test test-all test-ray test-browser check docs bench soak gpu-check clean

help:
	@echo "make reproduce  the paper at the laptop scale, offline, and its report (about a quarter of an hour on 2 cores)"
	@echo "make test       the tests, types, style and docs, all but the long checks"
	@echo "make test-all   the same and the long checks"
	@echo "make test-ray   a study on a Ray cluster of three nodes of this machine, one of them killed in the middle"
	@echo "make test-browser  the explorer's page in Chromium (of the system: apt-get install chromium)"
	@echo "make docs       the documentation as a site, with the wheel that it speaks of, into site/"
	@echo "make bench      ratios and rates of this machine, into results/bench/"
	@echo "make soak       kill a small study over and over, compare with an unkilled one"
	@echo "make gpu-check  on a machine with a GPU: agreement with the CPU and population rates"
	@echo "make clean      remove the virtual environment and what tools left behind"

# torch-fidelity comes alone: it asks for torchvision, which the one network compared with does not need.
$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "betavae needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fid,test]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps torch-fidelity
	@touch $@

reproduce: $(VENV)/ready
	@if [ -f $(CIFAR) ]; then $(BIN)/betavae data add cifar10-jpeg $(CIFAR); fi
	$(BIN)/betavae run paper --scale laptop
	$(BIN)/betavae report runs/paper-laptop

check: $(VENV)/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

test: check
	$(BIN)/python -m pytest -n auto --dist loadfile -m 'not slow'

test-all: check
	$(BIN)/python -m pytest -n auto --dist loadfile

test-ray: $(VENV)/ready
	$(BIN)/python -m pytest tests/study/executors/test_ray.py

test-browser: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[browser]'
	$(BIN)/python -m pytest -rs tests/explorer

docs: $(VENV)/ready
	$(BIN)/python docs/generate.py
	$(BIN)/python -m properdocs build --strict
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -c constraints.txt --wheel-dir site .
	cp constraints.txt site

bench: $(VENV)/ready
	$(BIN)/python -m benchmarks

soak: $(VENV)/ready
	$(BIN)/python tests/soak.py --kills 100

gpu-check: $(VENV)/ready
	$(BIN)/python -m benchmarks.gpu

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist src/betavae.egg-info
