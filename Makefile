# The checks themselves are in .ci/check, which CI runs too.

.DEFAULT_GOAL := help

BENCH ?= .
ARGS ?=
PACKAGES ?= ./...

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: check
check: ## what CI runs: all of the checks
	@.ci/check

.PHONY: fmt
fmt: ## format every file
	gofmt -l -w .

.PHONY: vet
vet: ## go vet, every module
	@.ci/check vet

.PHONY: lint
lint: ## staticcheck, every module
	@.ci/check lint

.PHONY: vuln
vuln: ## govulncheck, where its data can be reached
	@.ci/check vuln

.PHONY: test
test: ## go test; what needs a redis-server skips where there is none
	@.ci/check test

.PHONY: race
race: ## go test with the race detector and SLOTMESH_REDIS=require
	@.ci/check race

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME, 10s if not set
	@FUZZTIME=$${FUZZTIME:-10s} .ci/check fuzz

.PHONY: soak
soak: ## the long tests: large values, five minutes of resets, all slots resharded, ten thousand clusters, a million commands to nodes that lie, a million random commands
	SLOTMESH_SOAK=1 go test -count=1 -timeout 30m -run 'TestLarge|TestSoak|TestReshard' -v .
	SLOTMESH_SOAK=1 go test -count=1 -timeout 30m -run Cycles -v ./clustertest
	SLOTMESH_SOAK=1 go test -count=1 -timeout 30m -run 'TestLies$$' -v ./routing
	go test -count=1 -timeout 30m -run TestEmbedded ./internal/difftest -args -steps 20000 -seeds 20

.PHONY: bench
bench: ## side by side with other clients on a real cluster, and how soon a cancelled call returns; ARGS='-only ^get' and others: see go doc ./internal/benchmarks
	go run -C internal/benchmarks . $(ARGS)
	go run -C internal/benchmarks . -cancel

.PHONY: microbench
microbench: ## the benchmarks of the packages; BENCH is a pattern, PACKAGES where to look
	go test -run '^$$' -bench '$(BENCH)' -benchmem $(PACKAGES)

.PHONY: cover
cover: ## coverage of the whole by all tests, in cover.out
	go test -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -n 1

.PHONY: generate
generate: ## write the command tables from the server at REDIS_ADDR, host:port
ifndef REDIS_ADDR
	$(error make generate REDIS_ADDR=127.0.0.1:6379, a redis-server without modules)
endif
	cd routing && go run ./internal/gentable -addr $(REDIS_ADDR)
	cd internal/refnode/command && go run ./internal/gentable -addr $(REDIS_ADDR)

.PHONY: quickstart
quickstart: ## run examples/quickstart, on the cluster ADDRS if set, host:port,...; MIGRATE=1 moves a slot too
	go run ./examples/quickstart $(if $(ADDRS),-addrs $(ADDRS)) $(if $(MIGRATE),-migrate)

.PHONY: cluster
cluster: ## a cluster on ports 7000 to 7005 for clients in any language, until ^C
	go run ./examples/cluster

.PHONY: tidy
tidy: ## go mod tidy, every module
	find . -name go.mod -not -path '*/testdata/*' | while read -r mod; do (cd "$$(dirname "$$mod")" && go mod tidy) || exit; done
