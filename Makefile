# What people and CI run. Each target is a script that explains itself: scripts/NAME --help

PREFIX ?= /usr/local
SOAK_SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help demo build check test soak bench install clean

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: ## shows Roost at work: builds it, finds or starts a Docker Engine, runs Examples/hello
	@scripts/demo $(DEMO_FLAGS)

build: ## builds everything, tests included
	@scripts/install-tools git swift sqlite3-dev
	swift build -Xswiftc -warnings-as-errors --build-tests

check: ## format, warnings as errors, import rules
	@scripts/check

test: ## all tests, on a private Docker Engine and a registry; FILTER=regex runs some
	@scripts/test $(if $(FILTER),"$(FILTER)")

soak: ## what must be repeated to mean anything; takes SOAK_SECONDS, and ROOST_SOAK_SEED to repeat a run
	@ROOST_SOAK=1 ROOST_SOAK_SECONDS=$(SOAK_SECONDS) scripts/test 'soak[A-Z]'

bench: ## a release build against the Docker CLI
	@scripts/bench $(BENCH_FLAGS)

install: ## a release build, installed below PREFIX (/usr/local)
	@scripts/install --prefix "$(PREFIX)"

clean: ## removes what was built
	swift package clean
	rm -rf .build/logs .build/tools
