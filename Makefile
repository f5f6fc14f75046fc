# make demo: install into .venv and write demo/report.html; make test: install what the tests need and run them all.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# how long each reader is fuzzed, in seconds, and which: make fuzz FUZZ_SECONDS=600 FUZZ_TARGETS=image
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= image settings model_notes class_names commentary saved manifest reference addresses model

.PHONY: demo test lint format docs gallery languages snapshots bench bench-occlusion bench-faithfulness bench-ecosystem peers fuzz clean system

demo: $(VENV)/.installed
	mkdir -p demo
	$(BIN)/reportgen demo --force -o demo/report.html --json demo/report.json

# a file of tests at a time to each processor: half of the time on two
test: lint system
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# the pages of docs/ that are made from the code, and the tables of kinds in two others
docs: $(VENV)/.installed-test
	cd docs && ../$(BIN)/python -m reference
	$(BIN)/python -m tests.kinds.table
	$(BIN)/python -m tests.kinds.image_table

# every sentence of a report into the catalogues of its languages; then translate what is empty
languages: $(VENV)/.installed-test
	cd docs && ../$(BIN)/python -m reference.catalogues

# whole outputs as they are now, for review: look at what git diff shows before you commit them
snapshots: $(VENV)/.installed-test
	$(BIN)/python -m pytest tests/snapshots --snapshot-update

# every example, and a site of their reports: build/gallery/site/index.html
gallery: $(VENV)/.installed
	$(BIN)/python examples/gallery.py build/gallery

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/grids.py
	$(BIN)/python benchmarks/datasets.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/demo.py
	$(BIN)/python benchmarks/pdf.py
	$(BIN)/python benchmarks/site.py 1000

# findings are kept in tests/corpus/TARGET, where make test replays them; all targets run, whatever is found
fuzz: $(VENV)/.installed-test
	$(PIP) install --editable '.[fuzz]'
	@found=0; for target in $(FUZZ_TARGETS); do \
	  echo "fuzzing $$target for $(FUZZ_SECONDS) s"; \
	  $(BIN)/python tests/fuzz $$target $(FUZZ_SECONDS) || { echo "found: see tests/corpus/$$target"; found=1; }; \
	done; exit $$found

# in an environment of its own, with the tools that it is compared with
bench-occlusion: peers
	.venv-peers/bin/python benchmarks/occlusion.py --peers

# the maps of other tools beside ours: make bench-faithfulness COUNT=24 DATA=FOLDER, a folder that holds one for each class;
# without it only phantoms are measured
DATA ?=
COUNT ?= 24
bench-faithfulness: peers
	.venv-peers/bin/python benchmarks/faithfulness.py $(DATA) --count $(COUNT) --peers

# what one writes and waits for, with reportgen and with other tools; PyTorch among them is large
bench-ecosystem: $(BIN)/python
	test -x .venv-ecosystem/bin/python || $(PYTHON) -m venv .venv-ecosystem
	.venv-ecosystem/bin/python -m pip --disable-pip-version-check --quiet install --editable . 'xplique>=2' 'tf-explain>=0.3' \
	  keract tf_keras captum shap torch
	.venv-ecosystem/bin/python benchmarks/ecosystem.py

peers: $(BIN)/python
	test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip --disable-pip-version-check --quiet install --editable . 'xplique>=2' 'tf-explain>=0.3'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[completion,dicom,email,legacy,pdf,tiff]'
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[test,lint]'
	touch $(VENV)/.installed $@

# the browser tests need Chromium and its driver; PDF needs Pango, and its tests look at it with Poppler and qpdf; DICOM with
# dicom3tools and dcmtk
NEEDED := chromium chromium-driver libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 poppler-utils qpdf dicom3tools dcmtk
system:
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null && command -v pdftotext >/dev/null \
	  && command -v qpdf >/dev/null && command -v dciodvfy >/dev/null && command -v dcm2pdf >/dev/null && $(BIN)/python -c 'import weasyprint' 2>/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(NEEDED) >/dev/null; \
	else echo "some tests are skipped without these: apt-get install $(NEEDED)"; fi

clean:
	rm -rf $(VENV) demo build dist
