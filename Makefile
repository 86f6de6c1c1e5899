# Every task. The first target lists them; `make check` is all that CI does, before the end-to-end tests.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?= python3
COMPILED = $(addprefix $(VENV)/lib/python3*/site-packages/,click yaml msgspec typing_extensions.py pydantic fastapi \
  starlette uvicorn prometheus_client pydantic_settings cryptography)
# A file is one process's: its fixtures (a compiled judge, a server) are made once.
PARALLEL := -n auto --dist loadfile
LOCKS := requirements/dev.txt requirements/uv.txt

.PHONY: help
help: ## List the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(READY): pyproject.toml $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit("Podgate needs Python 3.11 or newer: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else 0'
	@echo "Setting up $(VENV) (once) ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@# Where PYTHONDONTWRITEBYTECODE is set, what is not compiled now is compiled at every start of the command.
	@$(BIN)/python -m compileall -q webhook policies certs $(COMPILED)
	@touch $@

.PHONY: setup
setup: $(READY) ## Make the virtual environment .venv, from hashed locks

.PHONY: run
run: $(READY) ## Start the webhook with a development certificate and show four real decisions
	@$(BIN)/python -m webhook.demo

.PHONY: test
test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -q $(PARALLEL)

.PHONY: conformance
conformance: $(READY) ## Compare every verdict with upstream's own evaluator (needs Go; part of `make test` where Go is)
	@PODGATE_E2E_REQUIRED=1 $(BIN)/python -m pytest -q tests/conformance

.PHONY: check
check: $(READY) format-check lint types imports coverage generated self-check ## All that CI does before the end-to-end tests

.PHONY: format
format: $(READY) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

.PHONY: format-check
format-check: $(READY)
	@$(BIN)/ruff format --check .

.PHONY: lint
lint: $(READY) ## Lint the code
	@$(BIN)/ruff check .

.PHONY: types
types: $(READY) ## Check the types
	@$(BIN)/mypy

.PHONY: imports
imports: $(READY) ## Check the import contracts: the architecture
	@$(BIN)/lint-imports --no-logo 2>&1 || (echo "The contracts are in pyproject.toml; docs/architecture.md says why." >&2; exit 1)

.PHONY: coverage
coverage: $(READY) ## Run the tests with branch coverage; policies/ must stay at 95 % or more
	@$(BIN)/coverage erase
	@$(BIN)/python -m pytest -q $(PARALLEL) --cov --cov-report=
	@$(BIN)/coverage report --include='policies/*' --fail-under=95
	@$(BIN)/coverage report --include='webhook/*,certs/*'

.PHONY: generate
generate: $(READY) ## Write everything that is derived: docs/{rules,settings,features}.md, what rules say
	@$(BIN)/python docs/generate.py
	@$(BIN)/python -m tests.policies.messages

.PHONY: generated
generated: $(READY)
	@$(BIN)/python docs/generate.py --check

.PHONY: dataset
dataset: $(READY) ## Make the classifier's data set from a corpus: make dataset CORPUS=corpus.jsonl.gz
	@test -n "$(CORPUS)" || { echo "Say which corpus: make dataset CORPUS=corpus.jsonl.gz" >&2; exit 2; }
	@$(BIN)/python -m webhook.dataset "$(CORPUS)"

.PHONY: model
model: $(READY) ## Make the classifier from its data set: the model, its report and its card (three minutes)
	@$(BIN)/podgate train -o policies/risk/model.json
	@$(BIN)/podgate evaluate --report docs/model
	@$(BIN)/python -m webhook.card
	@$(BIN)/python docs/generate.py

.PHONY: self-check
self-check: $(READY)
	@$(BIN)/podgate check --profile pss-restricted manifests/examples/hardened-app.yaml
	@# Our own installation, rendered; where kustomize is not at hand, the file that holds the pod.
	@if tools=$$(tests/manifests/tools/build --find 2>/dev/null); then \
	  for overlay in dev observe enforce; do \
	    "$$tools/kustomize" build manifests/overlays/$$overlay >$(VENV)/rendered.yaml && \
	    $(BIN)/podgate check --profile pss-restricted $(VENV)/rendered.yaml && \
	    $(BIN)/podgate check $(VENV)/rendered.yaml || exit 1; done; \
	else $(BIN)/podgate check --profile pss-restricted manifests/base/deployment.yaml; fi

.PHONY: rule
rule: $(READY) ## Scaffold a rule: make rule ID=host-clock CATEGORY=host
	@$(BIN)/python -m tests.scaffold "$(CATEGORY)" "$(ID)"

.PHONY: envtest
envtest: ## Obtain the API server for the end-to-end tests, once, into a cache folder (ten to fifteen minutes)
	@tests/e2e/envtest/build

.PHONY: manifest-tools
manifest-tools: ## Obtain helm and kustomize for the tests of the manifests, once, into a cache folder (some minutes)
	@tests/manifests/tools/build

.PHONY: e2e
e2e: $(READY) ## Run the end-to-end tests against a real API server
	@tests/e2e/envtest/build >/dev/null; code=$$?; \
	if [ $$code = 3 ]; then echo "The end-to-end tests were not run, for want of an API server."; exit 0; fi; \
	[ $$code = 0 ] || exit $$code; \
	tests/manifests/tools/build >/dev/null; tools=$$?; \
	[ $$tools = 0 ] || [ $$tools = 3 ] || exit $$tools; \
	PODGATE_E2E_REQUIRED=$$([ $$tools = 0 ] && echo 1) $(BIN)/python -m pytest -q tests/e2e tests/manifests

.PHONY: image-steps
image-steps: $(READY) ## Run the steps of the image's build without a container engine, in var/image (fetches packages)
	@rm -rf var/image && $(BIN)/python -m tests.manifests.image var/image

.PHONY: sbom
sbom: $(READY) ## Write what is in the serving image, as CycloneDX: dist/podgate.cdx.json
	@mkdir -p dist && $(BIN)/python requirements/sbom.py requirements/serve.txt pyproject.toml >dist/podgate.cdx.json
	@echo dist/podgate.cdx.json

.PHONY: bench
bench: $(READY) ## Print what rules cost (CORPUS=FILE: on these manifests), and a review next to a bare TLS echo
	@$(BIN)/python -m benchmarks.rules
	@$(BIN)/python -m benchmarks.review

.PHONY: bench-peers
bench-peers: $(READY) ## Measure Podgate next to its peers, through a real API server too (builds them once; needs Go)
	@$(BIN)/python -m benchmarks.peers
	@$(BIN)/python docs/generate.py

.PHONY: soak
soak: $(READY) ## Ask for 70 % of what the server can do for half an hour while everything changes, then for three times as much
	@$(BIN)/python -m benchmarks.soak
	@$(BIN)/python docs/generate.py

GROUP ?= override
SAMPLE ?= 300
SEED ?= 1

.PHONY: mutate
mutate: $(READY) ## Put small mistakes into the code, and print those that no test notices: make mutate GROUP=policies SAMPLE=200
	@$(BIN)/python -m benchmarks.mutants $(GROUP) --sample $(SAMPLE) --seed $(SEED)

FUZZED := admission override manifest policy
FUZZ := var/fuzz
TARGET ?= $(FUZZED)
SECONDS ?= 300

$(FUZZ)/.ready: requirements/fuzz.txt | $(READY)
	@$(BIN)/uv venv -q --allow-existing --python $(BIN)/python $(FUZZ)/venv
	@$(BIN)/uv pip install -q --python $(FUZZ)/venv/bin/python --require-hashes -r requirements/fuzz.txt
	@touch $@

.PHONY: fuzz
fuzz: $(FUZZ)/.ready ## Fuzz what reads hostile input (Linux): make fuzz TARGET=manifest SECONDS=900; what is found stays in var/fuzz
	@for target in $(TARGET); do \
	  $(FUZZ)/venv/bin/python -m tests.fuzz.run $$target $(FUZZ)/$$target -max_total_time=$(SECONDS) \
	    -artifact_prefix=$(FUZZ)/$$target. || exit 1; done

.PHONY: lock
lock: $(READY) ## Resolve the dependencies anew into requirements/
	@for set in "dev --group dev" "serve" "train --extra train" "fuzz --group fuzz"; do set -- $$set; \
	  $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml \
	    $$2 $$3 $$( [ $$1 = dev ] || echo "-c requirements/dev.txt" ) -o requirements/$$1.txt; done
	@echo uv | $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header - \
	  -c requirements/dev.txt -o requirements/uv.txt

.PHONY: clean
clean: ## Remove what make made here (the cache of the end-to-end tests stays)
	@rm -rf $(VENV) var dist build .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
