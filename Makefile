# What people type; CMake and its presets (CMakePresets.json) do the work. `make help` lists it.
PREFIX ?= /usr/local
MODE ?= release
CLANG_FORMAT ?= $(firstword $(shell command -v clang-format-14 clang-format))
CLANG_TIDY ?= $(firstword $(shell command -v clang-tidy-14 clang-tidy))
SECONDS ?= 60
READERS ?= $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
comma := ,
sources = $(shell git ls-files '*.c' '*.h')

selfsame: build/release/build.ninja ## build/release/selfsame, the program (the default)
	cmake --build build/release --target selfsame

demo: ## install what is missing, build, draw
	./demo

check: ## install what is missing, build, run all tests
	./check

build: build/$(MODE)/build.ninja ## everything of one preset: make build MODE=dev|tsan|fuzz|coverage
	cmake --build build/$(MODE)

test: build ## its tests: make test MODE=dev
	ctest --preset $(MODE)

golden: build/release/build.ninja ## every case of a folder of reference numbers: make golden DIR=path
	cmake --build build/release --target golden
	build/release/golden "$(or $(DIR),tests/golden)"

peers: build/release/build.ninja ## beside PyTorch (needs the network once): make peers ROWS='guided step 512x512,decode'
	cmake --build build/release --target bench-serve random-model
	tools/peers/peers.sh build/release --rows "$(ROWS)" $(if $(REPEAT),--repeat $(REPEAT))

bench-clay: selfsame ## the clay bench of models/clay, into build/bench-clay; with the study: make bench-clay STUDY=1
	build/release/selfsame score --profile clay -m models/clay -o build/bench-clay $(if $(STUDY),--parts renders$(comma)text$(comma)edit$(comma)fresh$(comma)study)

bench-clay-docs: bench-clay ## the same, and its tables and figure into docs/
	sed -i -e '/^<!-- tables -->/,/^<!-- end of tables -->/{//!d}' -e '/^<!-- tables -->/r build/bench-clay/bench.md' docs/clay-bench.md
	! test -f build/bench-clay/study.svg || cp build/bench-clay/study.svg docs/pictures/clay-study.svg

bench-learn: build/release/build.ninja ## subjects learned on models/clay, with MasaCtrl and without: make bench-learn WHO=4 STEPS=150
	cmake --build build/release --target bench-learn
	OMP_WAIT_POLICY=passive build/release/bench-learn models/clay build/bench-learn $(or $(WHO),4) $(STEPS)

install: build/release/build.ninja ## program, libraries, header, man page: make install PREFIX=/usr/local
	cmake --build build/release
	cmake --install build/release --prefix "$(PREFIX)"

fuzz: build/fuzz/build.ninja ## throw bytes at every reader, a minute each: make fuzz SECONDS=60 READERS='torch image' (needs clang)
	cmake --build build/fuzz
	@for reader in $(READERS); do \
	    echo "== $$reader: $(SECONDS) seconds"; \
	    mkdir -p build/fuzz/found/$$reader; \
	    build/fuzz/fuzz/fuzz-$$reader -max_total_time=$(SECONDS) -print_final_stats=1 -artifact_prefix=build/fuzz/$$reader- \
	        build/fuzz/found/$$reader fuzz/corpus/$$reader 2>build/fuzz/$$reader.log || { tail -40 build/fuzz/$$reader.log; exit 1; }; \
	    sed -n 's/^stat::number_of_executed_units: */inputs tried: /p' build/fuzz/$$reader.log; \
	done

coverage: ## which lines the tests reach, as build/coverage/index.html (needs gcovr)
	$(MAKE) test MODE=coverage
	gcovr --root . --filter src/ --filter apps/ --html-details build/coverage/index.html --print-summary build/coverage

format: ## lay out every source file
	$(CLANG_FORMAT) -i $(sources)

format-check: ## is every source file laid out?
	$(CLANG_FORMAT) --dry-run --Werror $(sources)

tidy: build/dev/build.ninja ## clang-tidy's findings, which stay at none (needs clang-tidy and libomp-dev)
	printf '%s\n' $(filter src/%.c apps/%.c,$(sources)) | xargs -n 4 -P "$$(nproc)" $(CLANG_TIDY) --quiet -p build/dev

clean: ## forget everything built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 16

build/%/build.ninja:
	cmake --preset $*

.PHONY: selfsame demo check build test golden peers bench-clay bench-clay-docs install fuzz coverage format format-check tidy clean help
.SECONDARY:
