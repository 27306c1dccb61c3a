# Two commands do all of their own set-up: make demo, make test. `make help` lists the rest.
SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
UV ?= uv
WORKERS ?= 2
SECONDS ?= 300
STORIES ?= 1000
TARGET ?= parse
CASES ?= 100000
SEEDS = $(if $(filter files,$(TARGET)),corpus-files,corpus)

.DEFAULT_GOAL := help
.PHONY: help demo test styles screens check format bench many busy lighthouse soak messages fuzz corpus train evaluate requirements dev clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## everything on this machine: an embedded mail server, sample mail, the daemon and the desk
	@tools/venv.sh .venv-demo requirements.txt
	@.venv-demo/bin/meldpost demo $(ARGS)

test: dev ## all checks and tests, on a fresh machine too
	@tools/system-packages.sh
	@$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -ra -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: dev ## the checks that run nothing: ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: dev ## put the code in its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: dev ## mails per second through the whole way, beside a floor; writes docs/bench.md
	@tools/system-packages.sh
	$(BIN)/python -m bench $(ARGS)

many: dev ## the queue and the search of CASES (100000) cases, kept in .bench/; writes that part of docs/bench.md
	$(BIN)/python -m bench.searching $(CASES)

busy: dev ## 20 sessions at a desk of CASES (100000) cases, for SECONDS (300), on two cores; writes that part of docs/bench.md
	$(BIN)/python -m bench.busy_desk $(or $(CASES),100000) $(SECONDS)

lighthouse: dev ## what Lighthouse says of the desk's pages (it comes from npm); writes that part of docs/bench.md
	@tools/system-packages.sh
	$(BIN)/python -m bench.lighthouse

messages: dev ## what is understood of other projects' messages (MELDPOST_SHARED); writes docs/mime.md, docs/automatic-mail.md
	$(BIN)/python -m tests.messages
	$(BIN)/python -m tests.ingest.automatic_table

fuzz: ## look for mails (TARGET=files: for files) that break a reader, for SECONDS (300); finds stay in .fuzz/
	@tools/venv.sh .venv-fuzz requirements-fuzz.txt
	@mkdir -p .fuzz/$(SEEDS)
	.venv-fuzz/bin/python -m fuzz.$(TARGET) .fuzz/$(SEEDS) fuzz/$(SEEDS) -artifact_prefix=.fuzz/ -max_len=32768 \
		-timeout=10 -rss_limit_mb=2048 -max_total_time=$(SECONDS) $(ARGS)

soak: dev ## thousands of mails (MAILS=20000) through one daemon, then through two (TOGETHER=2000), killed; many attacks
	@tools/system-packages.sh
	$(BIN)/python -m bench.soak $(MAILS)
	$(BIN)/python -m bench.soak_together $(TOGETHER)
	MELDPOST_EXAMPLES=$(STORIES) $(BIN)/python -m pytest tests/store/test_attackers.py

corpus: dev ## all labelled mails through the real daemon, and every delivered receipt taken apart (20 minutes)
	@tools/system-packages.sh
	MELDPOST_CORPUS_EVERY=1 $(BIN)/python -m pytest tests/system/test_corpus.py $(ARGS)

train: dev ## train the model of triage on the corpus
	$(BIN)/meldpost train $(ARGS)

evaluate: dev ## judge triage on each writer that it was not trained on; writes docs/evaluation.md (an hour)
	$(BIN)/meldpost evaluate --leave-one-writer-out --probe-every 4 --docs docs $(ARGS)

requirements: ## pin the dependencies anew, with hashes
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--custom-compile-command "make requirements" pyproject.toml -o requirements.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--custom-compile-command "make requirements" pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--custom-compile-command "make requirements" pyproject.toml --group fuzz -c requirements.txt -o requirements-fuzz.txt

styles: ## build desk/static/components.css anew from NL Design System, for the classes that the templates name (needs Node 20)
	cd tools/styles && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

screens: dev ## take the pictures of the main pages in docs/screens anew, at two widths
	@tools/system-packages.sh
	$(BIN)/python -m tests.desk.screenshots

dev: ## the virtual environment for development
	@tools/venv.sh $(VENV) requirements-dev.txt

clean: ## remove what was made here, the virtual environments too
	rm -rf .venv .venv-demo .venv-fuzz .fuzz .bench build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
