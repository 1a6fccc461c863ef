# `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export CARGO_TERM_COLOR ?= auto

TOOLS := $(CURDIR)/.toolchain
DENY_VERSION := 0.20.2
CARGO := cargo
HOST_TARGET = $(shell rustc -vV | sed -n 's/^host: //p')

.PHONY: help build policy-javascript run test test-often sim sim-nightly sim-branches fuzz check audit bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build everything, into target/
	@echo "building (the first build compiles the WebAssembly engine and takes a few minutes)"
	@$(CARGO) build --release --locked

policy-javascript: ## build the policy in JavaScript, target/javascript/quiet-hours.wasm; needs Node.js and an npm registry
	@policies/quiet-hours-javascript/build.sh target/javascript

run: build ## demo: two workspaces that share a channel, and what each side shows; DEMO=once exits afterwards
	@target/release/demo run

# The policies, and what they are made of and tested with.
POLICIES := common questions content-filter dm-gate file-gate mention-gate plugin-gate profile-privacy quiet-hours template

test: build ## run every test, on real files and on recorded traffic of real servers
	@echo "building the tests (the first build compiles the WebAssembly engine and takes a few minutes)"
	@$(CARGO) test --release --locked
	@$(CARGO) test --release --locked $(POLICIES:%=--package causeway-policy-%)

N ?= 30

test-often: ## run the tests that depend on real time many times, while two cores are kept busy (N=30)
	@$(CARGO) build --release --locked --bin causeway --bin often
	@target/release/often --runs $(N)

SEEDS ?= 0..5000
NODES ?= 2

sim: ## simulate workspaces under faults, once for each seed (SEEDS=0..5000 NODES=2)
	@$(CARGO) build --release --locked --bin sim
	@target/release/sim --seeds $(SEEDS) --nodes $(NODES)

HOURS ?= 8

sim-nightly: ## simulate with new seeds every day, natively and with the component, and print coverage (HOURS=8)
	@$(CARGO) build --release --locked --bin sim
	@target/release/sim --hours $(HOURS) --coverage
	@$(MAKE) --no-print-directory sim-branches

# Adds a flag behind every branch and a table of their addresses; tests/branches reads both.
BRANCH_SEEDS ?= 3000
BRANCH_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
	-Cllvm-args=-sanitizer-coverage-inline-bool-flag -Cllvm-args=-sanitizer-coverage-pc-table \
	-Crelocation-model=static

sim-branches: ## print which branches of the kernel the simulator's seeds reach (BRANCH_SEEDS=3000)
	@RUSTFLAGS="$(BRANCH_FLAGS)" $(CARGO) build --locked --package causeway-branches --profile branches \
		--target $(HOST_TARGET) --target-dir target/sancov
	@target/sancov/$(HOST_TARGET)/branches/causeway-branches --seeds $(BRANCH_SEEDS)

# libFuzzer follows the branches that an input reaches. The pinned stable compiler offers the instrumentation
# flags that it needs, so no nightly compiler is required.
FUZZ ?= frames receipts invitations session-files journals policies slash-commands http-bodies
SECONDS_EACH ?= 120
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing

fuzz: ## fuzz the parsers of foreign bytes with libFuzzer (FUZZ="frames policies" SECONDS_EACH=120); needs a C++ compiler
	@RUSTFLAGS="$(FUZZ_FLAGS)" $(CARGO) build --locked --package causeway-fuzz --features libfuzzer \
		--profile fuzz --target $(HOST_TARGET) --target-dir target/fuzz --bin fuzz
	@for target in $(FUZZ); do \
		echo "fuzzing $$target for $(SECONDS_EACH) s"; \
		work=target/fuzz/$$target; mkdir -p $$work/found $$work/seeds; \
		FUZZ_TARGET=$$target FUZZ_SEEDS=$$work/seeds \
			target/fuzz/$(HOST_TARGET)/fuzz/fuzz $$work/found $$work/seeds -max_total_time=$(SECONDS_EACH) \
			-timeout=60 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix=$$work/ || exit 1; \
	done

check: $(TOOLS)/bin/cargo-deny ## check formatting, lints (warnings are errors), licences, banned crates and sources
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	@$(TOOLS)/bin/cargo-deny check bans licenses sources

audit: $(TOOLS)/bin/cargo-deny ## check for known vulnerabilities (fetches the advisory database)
	@$(TOOLS)/bin/cargo-deny check advisories

bench: ## measure what the service costs on this machine, as a table
	@$(CARGO) build --release --locked --bin causeway --bin sim --bin bench
	@target/release/bench

clean: ## remove what was built
	@rm -rf target

$(TOOLS)/bin/cargo-deny:
	@echo "installing cargo-deny $(DENY_VERSION) into .toolchain/ (once, a few minutes)"
	@$(CARGO) install --quiet --locked --root $(TOOLS) --version $(DENY_VERSION) cargo-deny
