# The front door; `make` alone lists what there is. CMake (CMakePresets.json) does the building.

JOBS ?= $(shell nproc)
BOOTSTRAP ?= yes
# ON: the trees for tests are built in half the time, but slowly after each change.
BULK ?= OFF
CONFIGURE := cmake -DDURABILITY_BULK=$(BULK) --preset

# A long run writes its result into docs/figures/<target>.md. FIGURES=no leaves that page as it is.
FIGURES ?= yes
FIGURE = $(if $(filter no,$(FIGURES)),,python3 -B scripts/figures.py $@ --)

# Sanitizers want their address ranges free: with the wide address randomisation of newer kernels
# ThreadSanitizer dies at its start ("unexpected memory mapping") now and then. Where the machine lets
# us, those tests run without randomisation.
NO_ASLR := $(shell setarch -R true 2>/dev/null && echo setarch -R)

# Programs whose tests, or the module they test, start threads.
THREADED = $(shell scripts/threaded_tests.sh)
empty :=
space := $(empty) $(empty)

# Long tests of one thread in those programs: ThreadSanitizer has nothing to look for there.
ONE_THREAD := ^(Logs/CrashInRepair|Log/WrittenLog|SegmentWriterTest|HostileLog)\.

.DEFAULT_GOAL := help
.PHONY: help build demo test test-gcc test-asan test-tsan test-clang check tidy-whole crash format bench bench-growth clean \
        fuzz soak schedules properties interop mutants planted powercut shortages async-kills async-load async-figures \
        bootstrap-build bootstrap-dev bootstrap-bench bootstrap-powercut

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

bootstrap-build bootstrap-dev bootstrap-bench bootstrap-powercut: bootstrap-%:
	@[ "$(BOOTSTRAP)" = no ] || scripts/bootstrap.sh $*

build: bootstrap-build  ## the command line tool, build/release/bin/durability
	cmake --preset release
	cmake --build --preset release -j $(JOBS)

demo: bootstrap-build  ## real input, a writer killed again and again, a power cut; nothing acknowledged is lost
	cmake --preset demo
	cmake --build --preset demo -j $(JOBS) --target durability_cli kv_store power_cut
	DURABILITY_BIN=build/demo/bin scripts/demo.sh

test: test-gcc test-asan test-tsan  ## every test: g++; clang with address and UB sanitizers; threads under TSan

# Run one after the other whatever -j says: each uses all cores itself.
.NOTPARALLEL:

test-gcc: bootstrap-dev  ## every test, built by g++
	$(CONFIGURE) gcc
	cmake --build --preset gcc -j $(JOBS)
	ctest --preset gcc -j $(JOBS)

test-asan: bootstrap-dev  ## every test, built by clang with AddressSanitizer and UndefinedBehaviorSanitizer
	$(CONFIGURE) asan
	cmake --build --preset asan -j $(JOBS)
	DURABILITY_CRASH_SAMPLES=0.1 $(NO_ASLR) ctest --preset asan -j $(JOBS)

test-tsan: bootstrap-dev  ## the programs with threads, under ThreadSanitizer
	$(CONFIGURE) tsan
	cmake --build --preset tsan -j $(JOBS) --target $(THREADED)
	DURABILITY_CRASH_SAMPLES=0.1 $(NO_ASLR) ctest --preset tsan -j $(JOBS) -E '$(ONE_THREAD)' \
		-L '^($(subst $(space),|,$(strip $(THREADED))))$$'

test-clang: bootstrap-dev  ## every test, built by clang without sanitizers (test covers clang through test-asan)
	cmake --preset clang
	cmake --build --preset clang -j $(JOBS)
	ctest --preset clang -j $(JOBS)

check: bootstrap-dev  ## format, layering, file sizes, text, what is unused, clang-tidy
	git ls-files -co --exclude-standard -- '*.cpp' '*.hpp' | xargs -r clang-format-19 --dry-run -Werror
	python3 scripts/check_layers.py
	python3 scripts/draw_modules.py
	python3 scripts/check_sizes.py
	python3 scripts/check_text.py
	python3 scripts/check_paths.py
	python3 scripts/check_unused.py
	cmake --preset clang
	python3 scripts/check_headers.py build/clang -j $(JOBS)
	python3 scripts/tidy.py build/clang -j $(JOBS)

tidy-whole: bootstrap-dev  ## clang-tidy over the tests too, and its analyzer as far as it goes; half an hour
	cmake --preset clang
	python3 scripts/check_headers.py build/clang -j $(JOBS) --all
	python3 scripts/tidy.py build/clang -j $(JOBS) --whole

LENGTH ?= 3
crash: bootstrap-dev  ## the crash explorer over all histories of up to LENGTH letters (3), and its report
	$(CONFIGURE) gcc
	cmake --build --preset gcc -j $(JOBS) --target crash_test checkpointing_test recordlog_test
	$(FIGURE) scripts/crash.sh build/gcc/bin $(LENGTH) $(JOBS)

PREEMPTIONS ?= 2
SCHEDULES ?= 3000000
SAMPLES ?= 20000
SEED ?= 1
schedules: bootstrap-dev  ## the log's threads under every schedule with up to PREEMPTIONS (2) preemptions, and SAMPLES with 3
	$(CONFIGURE) gcc
	cmake --build --preset gcc -j $(JOBS) --target schedules_test
	DURABILITY_SCHEDULE_PREEMPTIONS=$(PREEMPTIONS) DURABILITY_SCHEDULE_MOST=$(SCHEDULES) \
	DURABILITY_SCHEDULE_SAMPLES=$(SAMPLES) DURABILITY_SCHEDULE_SEED=$(SEED) \
	$(FIGURE) build/gcc/bin/schedules_test

CASES ?= 4000
properties: bootstrap-dev  ## what must hold of any log, with CASES (4000) random cases of each property
	$(CONFIGURE) gcc
	cmake --build --preset gcc -j $(JOBS) --target property_test
	RC_PARAMS=max_success=$(CASES) $(FIGURE) build/gcc/bin/property_test

format: bootstrap-dev  ## puts every source file into the project's format
	git ls-files -co --exclude-standard -- '*.cpp' '*.hpp' | xargs -r clang-format-19 -i

# make bench BENCH=--write-docs puts table and plots into docs/. DURABILITY_BENCH_DIR says on which disk.
BENCH ?=
bench: bootstrap-bench  ## the library beside a floor and its peers, and what single operations cost; some minutes
	cmake --preset bench
	cmake --build --preset bench -j $(JOBS)
	scripts/bench.sh build/bench/bin $(BENCH)

bench-growth: bootstrap-bench  ## how cost grows with threads, entry size, length and segments; some minutes, 5 GiB of disk
	cmake --preset bench
	cmake --build --preset bench -j $(JOBS)
	python3 -B bench/growth.py build/bench/bin --save build/bench/growth.json $(BENCH)

SECONDS ?= 60
fuzz: bootstrap-dev  ## each fuzz target for SECONDS (60), as many side by side as there are cores
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	$(FIGURE) $(NO_ASLR) python3 -B scripts/fuzz.py build/fuzz/bin --seconds $(SECONDS) -j $(JOBS)

MINUTES ?= 10
soak: bootstrap-dev  ## writers that live and are killed on real files, for MINUTES (10); memory must not grow
	$(CONFIGURE) gcc
	cmake --build --preset gcc -j $(JOBS) --target soak
	$(FIGURE) build/gcc/bin/soak --seconds $$(( $(MINUTES) * 60 ))

shortages: bootstrap-dev  ## fails every allocation, thread start and descriptor of every life of a log
	$(CONFIGURE) gcc
	cmake --build --preset gcc -j $(JOBS) --target shortages_test preloaded_shortages durability_cli
	DURABILITY_SHORTAGES=all $(FIGURE) ctest --preset gcc -L '^shortages_test$$' -j $(JOBS) -V --no-tests=error

HISTORIES ?= 2000
interop: bootstrap-dev  ## beside the Rust crate itself, which needs cargo: HISTORIES random histories each way (2000)
	$(CONFIGURE) gcc
	cmake --build --preset gcc -j $(JOBS) --target interop_test
	tests/interop/build.sh build/gcc/interop
	DURABILITY_INTEROP_HISTORIES=$(HISTORIES) \
		$(FIGURE) ctest --test-dir build/gcc -L '^interop_test$$' -j $(JOBS) -V --no-tests=error

mutants: bootstrap-dev  ## takes out each sync, rename, removal, truncation, poison, wake-up, flag and guard, and looks for a test that fails
	cmake --preset mutants
	cmake --build --preset mutants -j $(JOBS)
	$(FIGURE) python3 -B scripts/mutants.py run build/mutants -j $(JOBS)

planted: bootstrap-dev  ## brings back, one by one, bugs that the Rust crate or drafts of the format had, and looks for a test that fails
	cmake -DDURABILITY_BULK=OFF --preset gcc
	cmake --build --preset gcc -j $(JOBS) --target planted
	$(FIGURE) python3 -B scripts/planted.py run build/gcc/planted -j $(JOBS)

powercut: bootstrap-powercut build  ## cuts the power under ext4, xfs and btrfs; as root
	DURABILITY_BIN=build/release/bin $(FIGURE) python3 -B tests/powercut/powercut.py

KILLS ?= 50
async-kills: build  ## kills the example servers under load, KILLS (50) times; nothing acknowledged is lost
	DURABILITY_BIN=build/release/bin $(FIGURE) python3 -B tests/eventloop/kill_server.py --kills $(KILLS)

OPERATIONS ?= 1000000
async-load: bootstrap-dev  ## OPERATIONS (a million) durable appends of coroutines and threads, under ThreadSanitizer
	$(CONFIGURE) tsan
	cmake --build --preset tsan -j $(JOBS) --target eventloop_test
	TSAN_OPTIONS=halt_on_error=1 DURABILITY_ASYNC_OPERATIONS=$(OPERATIONS) \
		$(FIGURE) $(NO_ASLR) build/tsan/bin/eventloop_test --gtest_filter='AsyncLoad.*'

async-figures: build  ## rate, p50 and p99 of the example servers with 1, 64 and 1,024 clients on loopback
	examples/kv_server/figures.sh build/release/bin

clean:  ## removes build/
	rm -rf build
