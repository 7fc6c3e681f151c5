# Everything that is made or fetched lies below this directory; the source tree stays as it is.
SOURCE_TRINO_CACHE := $(abspath $(or $(SOURCE_TRINO_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/source-trino))
export SOURCE_TRINO_CACHE
export CARGO_TARGET_DIR ?= $(SOURCE_TRINO_CACHE)/target
export PYTHONDONTWRITEBYTECODE = 1

.DEFAULT_GOAL := help
.PHONY: help build demo test test-fast release-check test-catalogs test-long bench fmt lint servers-up servers-down clean-cache claim-target

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

claim-target:
	@tests/claim-target

build: claim-target ## build the release binary
	cargo build --release --locked

demo: claim-target ## start a small Trino, read two tables from it, load them into DuckDB, stop it
	@python3 tests/demo

test: ## run every check, the tests against real servers included
	@tests/run

test-fast: ## the quick checks, for each change: no server, nothing that waits long
	@tests/run --fast

release-check: ## whether everything that names the version and the address agrees with Cargo.toml
	@python3 tests/release $(if $(TAG),--tag '$(TAG)')
	@python3 tests/image --static

test-long: build ## every case of what `make test` samples, altered tables, all faults, an hour of the random campaign
	@SOURCE_TRINO_BIN="$(CARGO_TARGET_DIR)/release/source-trino" \
	SOURCE_TRINO_SERVERS="$$(python3 tests/servers up full)" \
	EVERY_CASE=1 SWEEP=1 KILLS=20 CAMPAIGN_SECONDS=3600 \
	"$$(python3 tests/servers python live tests/live/requirements.txt)" -m pytest -p no:cacheprovider \
		tests/live/long tests/live/test_sweep.py tests/live/test_campaign.py tests/live/test_discover_faults.py \
		tests/live/test_incremental*.py tests/live/test_changes*.py tests/live/test_many_tables.py \
		tests/live/test_oldest.py tests/live/test_resume.py tests/live/test_slices.py \
		tests/live/test_speed.py tests/live/test_spooling.py

test-catalogs: build ## every catalog that runs here, against its real system: Hive, MariaDB, MongoDB, Kafka and more
	@tests/run-catalogs

bench: build ## compare with other clients on real servers (BENCH=quick: in 4 minutes); see docs/performance.md
	@python3 tests/servers up full
	@python3 tests/bench/endtoend

fmt: ## format the Rust code
	cargo fmt

lint: claim-target ## what the compiler, clippy and rustdoc have to say; no warning is let through
	cargo fmt --check
	cargo clippy --all-targets --all-features --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --document-private-items --locked

servers-up: ## start the servers of the tests and leave them running
	@python3 tests/servers up full

servers-down: ## stop all servers that were started from here
	@python3 tests/servers down

clean-cache: servers-down ## remove everything fetched, built and kept below the cache directory
	rm -rf $(foreach part,demo image jars run target trino venv servers.lock,'$(SOURCE_TRINO_CACHE)/$(part)')
