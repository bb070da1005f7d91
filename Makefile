# The words a newcomer needs: demo, run, test, check, build, bench, sim, docs. Each makes its own
# .venv at need.

PYTHON ?= $(shell for p in python3.11 python3 python3.14 python3.13 python3.12; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; \
	done)
PY = .venv/bin/python
BUILD_INPUTS = pyproject.toml setup.py $(wildcard dave/crypto/_kernel.c)
NO_KERNEL_TESTS = $(wildcard tests/crypto/test_work.py tests/crypto/test_kernel.py \
	tests/edge/test_search.py)
SCENARIO ?= all
SEED ?= 1
NAMES ?=
ARGS ?=

.PHONY: demo run test check build bench sim docs soak coverage protocol format clean

demo: .venv/.run
	.venv/bin/dave demo

# A node in the foreground, with options: make run ARGS="--lan --capacity 2G"
run: .venv/.run
	.venv/bin/dave run $(ARGS)

test: .venv/.test
	$(if $(NO_KERNEL_TESTS),DAVE_NO_KERNEL=1 $(PY) -bb -m pytest -q $(NO_KERNEL_TESTS))
	$(PY) -bb -m pytest -q -n 2

check: .venv/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m dave_cli.protocol --check PROTOCOL.md

# In dist/: the source archive, and two wheels made of it: one with the kernel, one for everybody.
build: .venv/.test
	$(PY) packaging/make_dist.py

bench: .venv/.bench
	$(PY) -m bench $(NAMES)

# Every scenario at full size, which takes hours; SCENARIO=basics is one of them.
sim: .venv/.run
	$(PY) -m sim $(SCENARIO) --seed $(SEED) --full

# The documentation site, in build/site; warnings are errors.
docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@echo "build/site/index.html, or: $(PY) -m http.server -d build/site"

# The tests marked `soak`, and the property tests with many more examples, others at each run.
soak: .venv/.test
	HYPOTHESIS_PROFILE=deep $(PY) -bb -m pytest -q -n 2 -m "soak or not soak"

# Branches that the tests take; processes of their own are not counted.
coverage: .venv/.test
	$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest -q
	$(PY) -m coverage combine -q
	$(PY) -m coverage report

# Rewrites the byte tables of PROTOCOL.md from dave/wire/layout.py.
protocol: .venv/.run
	$(PY) -m dave_cli.protocol PROTOCOL.md

format: .venv/.dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov
	rm -f .coverage .coverage.* dave/crypto/_kernel*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp per set of extras, so that pip runs again only when the declaration changed.
.venv/.run: EXTRAS =
.venv/.test: EXTRAS = [test]
.venv/.dev: EXTRAS = [dev]
.venv/.bench: EXTRAS = [bench]
.venv/.docs: EXTRAS = [docs]
.venv/.run .venv/.test .venv/.dev .venv/.bench .venv/.docs: $(BUILD_INPUTS) | .venv/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.$(EXTRAS)'
	@touch $@

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Dave needs Python 3.11 or later: install python3.11," \
		"or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "$(PYTHON) cannot make a virtual" \
		"environment: on Debian and Ubuntu install its -venv package" >&2; exit 1; }
