# Causeway's verbs. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export CARGO_TERM_COLOR ?= auto

TOOLS := $(CURDIR)/.toolchain
DENY_VERSION := 0.20.2
CARGO := cargo

.PHONY: help build run test check bench sim audit clean client-deps

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the service, the kernel component and the policies, all below target/
	@echo "building the service (the first time a few minutes: it compiles the WebAssembly engine)"
	@$(CARGO) build --release --locked -p causeway -p causeway-tests

run: build ## two workspaces that share a channel; stays up until Ctrl-C (DEMO=once ends after the timeline)
	@exec target/release/causeway-demo --data run $(if $(filter once,$(DEMO)),--once)

test: build client-deps ## every test, on real files, sockets, components and client libraries
	@$(CARGO) test --release --locked -p causeway-kernel -p causeway-engine -p causeway -p causeway-tests

check: $(TOOLS)/bin/cargo-deny ## formatting, lints with warnings denied, licences, bans and sources
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	@$(TOOLS)/bin/cargo-deny --offline check bans licenses sources

bench: build ## speed and memory, one table, beside this machine's fsync time
	@exec target/release/causeway-bench

sim: build ## the simulator on many more seeds than `make test` (SEEDS=n, from SEED=n)
	@exec target/release/causeway-sim --seeds $(or $(SEEDS),2000) --from $(or $(SEED),1)

audit: $(TOOLS)/bin/cargo-deny ## known vulnerabilities (fetches the advisory database)
	@$(TOOLS)/bin/cargo-deny check advisories

clean: ## what was built, and the demo's data
	@rm -rf target run tests/client/node_modules

$(TOOLS)/bin/cargo-deny:
	@echo "installing cargo-deny $(DENY_VERSION) into .toolchain/ (once, a few minutes)"
	@$(CARGO) install --quiet --locked --root $(TOOLS) --version $(DENY_VERSION) cargo-deny

# The JavaScript client library that the journeys drive.
client-deps: tests/client/node_modules/.installed
tests/client/node_modules/.installed: tests/client/package.json tests/client/package-lock.json
	@command -v npm >/dev/null || { echo "installing Debian's nodejs and npm for the client test"; \
	  $(if $(filter 0,$(shell id -u)),,sudo) apt-get -qq update && \
	  $(if $(filter 0,$(shell id -u)),,sudo) apt-get -qq install -y nodejs npm >/dev/null; }
	@echo "installing the JavaScript client library for the client test"
	@cd tests/client && npm ci --silent --no-audit --no-fund && touch node_modules/.installed
