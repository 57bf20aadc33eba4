# make report    the report of the five-nation survey, in reports/five_nation_2008
# make test      the tests
# make help      everything else
#
# Both set up .venv on their own; all they need is Python 3.11 or newer. Another Python: make PYTHON=python3.12

PYTHON ?= python3
ANALYSIS ?= analyses/five_nation_2008/analysis.toml
REPORT := reports/five_nation_2008
IN := .venv/bin

# A Python path of the user's must not leak into .venv; matplotlib and others must not ask for a screen.
unexport PYTHONPATH PYTHONHOME
export MPLBACKEND = Agg
# Many small matrices: one thread is faster than two (docs/benchmarks.md).
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := report
.PHONY: report test check accessibility format bench golden parity recovery fuzz data lock clean distclean help set-up set-up-dev

report: set-up  ## write the report of the main analysis (a minute or two)
	@echo "Running $(ANALYSIS) (a minute or two) …"
	@"$(IN)/coprodstats" run "$(ANALYSIS)"
	@echo
	@echo "Done. Open $(REPORT)/report.html in a browser; its numbers are in $(REPORT)/results/."

test: set-up-dev  ## run the tests (some minutes)
	@echo "Running the tests …"
	@"$(IN)/python" -m pytest $(ARGS)

check: set-up-dev  ## check format, lint, types and the order of imports
	@"$(IN)/ruff" format --check .
	@"$(IN)/ruff" check .
	@"$(IN)/python" -m mypy
	@"$(IN)/lint-imports"

format: set-up-dev  ## put the code into the format that check wants
	@"$(IN)/ruff" format .
	@"$(IN)/ruff" check --fix .

bench: set-up-dev  ## measure speed
	@"$(IN)/python" bench/bench.py $(ARGS)

golden: set-up-dev  ## run the R scripts behind the golden tests again, where R is installed
	@"$(IN)/python" tests/golden/run.py $(ARGS)

parity: set-up-dev  ## write the digits of the certified problems into docs/parity.md
	@cd tests && "../$(IN)/python" -m certified.parity $(ARGS)

accessibility: set-up-dev  ## look at the report in Chromium as its readers do, with axe-core from npm
	@"$(IN)/python" tests/browser/accessibility.py $(ARGS)

recovery: set-up-dev  ## repeat the recovery study (about half an hour)
	@"$(IN)/python" tests/recovery/study.py $(ARGS)

fuzz: set-up-dev  ## read 12,000 mutated survey files (a minute or two)
	@"$(IN)/python" tests/faults/fuzz.py $(ARGS)

data: set-up-dev  ## make the synthetic survey and its decoys again
	@"$(IN)/python" data/synthetic/make.py $(ARGS)

# --no-header and --no-annotate leave out paths and index addresses, so that any mirror will do.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --upgrade --quiet --group build
lock:  ## pin the newest versions of all dependencies (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv:   $(PYTHON) -m pip install uv"; exit 2; }
	@$(LOCK) -o requirements.lock
	@$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock
	@echo "Done. requirements.lock and requirements-dev.lock hold the newest versions; run make check test."

clean:  ## remove caches, not .venv
	@rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache dist build
	@find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +

distclean: clean  ## remove .venv too
	@rm -rf .venv

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

set-up:
	@$(call python,run)

set-up-dev:
	@$(call python,dev)

define python
command -v "$(PYTHON)" >/dev/null || { \
	echo "There is no $(PYTHON) here. coprodstats needs Python 3.11 or newer."; \
	echo "Debian, Ubuntu:   sudo apt-get install python3 python3-venv"; exit 2; }; \
"$(PYTHON)" scripts/bootstrap.py $(1)
endef
