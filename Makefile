# depthfx: everything a developer does, a line each. `make help` lists it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RUNTIME := $(VENV)/.runtime
SHARED ?= ../shared
BLENDER := build/blender

.DEFAULT_GOAL := help
.PHONY: help demo install format lint type test test-all bench bench-engine fidelity bench-defocus bench-photo bench-parallax bench-light bench-batch fuzz card check docs clean pictures

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(RUNTIME) ## Blur the background of a sample portrait with the embedded network
	@mkdir -p build
	@$(BIN)/depthfx portrait samples/portrait.jpg -o build/demo-portrait.jpg --overwrite
	@echo "(The very first run compiles its kernels; from now on it takes about a second.)"
	@echo "Before: samples/portrait.jpg   After: build/demo-portrait.jpg"

install: $(INSTALLED) ## Install depthfx with everything for development into .venv

$(RUNTIME): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing depthfx into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(INSTALLED): $(RUNTIME)
	@echo "Installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

format: $(INSTALLED) ## Put the code in its standard form
	$(BIN)/ruff format src effects tests
	$(BIN)/ruff check --fix src effects tests

lint: $(INSTALLED) ## Check style and the direction of imports
	$(BIN)/ruff check src effects tests
	$(BIN)/lint-imports

type: $(INSTALLED) ## Check types strictly
	$(BIN)/mypy

test: $(INSTALLED) ## Run the fast tests (under ten minutes on two cores)
	$(BIN)/python -m pytest -m "not slow" -n 2

test-all: $(INSTALLED) $(BLENDER)/.tried build/.open3d ## Run all tests, those that need Blender's Python module or Open3D too
	@$(BLENDER)/bin/python -c 'import bpy' 2>/dev/null && export DEPTHFX_BPY_PYTHON=$(abspath $(BLENDER))/bin/python; \
		$(BIN)/python -m pytest

# Blender wants another numpy than depthfx, and there is not one for every Python.
$(BLENDER)/.tried: | $(INSTALLED)
	@$(PYTHON) -m venv $(BLENDER)
	@$(BLENDER)/bin/python -m pip install --quiet --disable-pip-version-check bpy || \
		echo "No Blender for this Python: its tests will be skipped."
	@touch $@

# Large, and there is not one for every Python.
build/.open3d: | $(INSTALLED)
	@mkdir -p build
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[open3d]' || \
		echo "No Open3D for this Python: its tests will be skipped."
	@touch $@

bench: $(INSTALLED) ## Time start-up and the portrait command on 12 and 24 MP photos
	$(BIN)/python -m depthfx.evaluation bench

bench-engine: $(INSTALLED) ## Time Depth Pro at full size against transformers' port (20 minutes)
	$(BIN)/python -m depthfx.evaluation engine

fidelity: $(INSTALLED) ## Hold the defocus renderer against true lens pictures, or those in FOLDER=
	$(BIN)/python -m depthfx.evaluation fidelity $(if $(FOLDER),$(FOLDER),-o docs/fidelity.md)

bench-defocus: $(INSTALLED) ## Time the defocus renderer at 24 MP beside the tutorial way
	$(BIN)/python -m depthfx.evaluation bench-defocus

bench-photo: $(INSTALLED) ## Time reading and writing of 24 MP photos beside plain decode and encode
	$(BIN)/python -m depthfx.evaluation bench-photo

bench-parallax: $(INSTALLED) ## Time layers of a 12 MP photo for After Effects, and films of 1080p
	$(BIN)/python -m depthfx.evaluation bench-parallax

bench-light: $(INSTALLED) ## Time normals and added light on 24 MP
	$(BIN)/python -m depthfx.evaluation bench-light

bench-batch: $(INSTALLED) ## Time batches beside loops over single photos (8 minutes; --memory 1000: their memory)
	$(BIN)/python -m depthfx.evaluation bench-batch

HOURS = 2
fuzz: $(INSTALLED) ## Feed damaged files to the readers for HOURS=2; findings go to build/findings
	$(BIN)/python tests/fuzz/own_corpus.py build/corpus
	$(BIN)/python tests/fuzz/fuzz_photos.py --corpus build/corpus --hours $(HOURS) --findings build/findings

card: $(INSTALLED) ## Score the embedded network on the reference data and write its model card's tables
	$(BIN)/python -m depthfx.evaluation card $(SHARED) -o build/card --update

check: lint type test ## What a change has to pass

docs: $(INSTALLED) ## Write the reference of the effects and the pictures of the README
	$(BIN)/python -m depthfx.evaluation reference -o docs/effects.md
	$(BIN)/python samples/make_pictures.py

clean: ## Remove what these commands made
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
