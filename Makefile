# Needs Linux on x86-64 and Python 3.11 to 3.13; everything else goes into .venv.
# Another interpreter: make venv PYTHON=python3.12
PYTHON ?= python3
WORKDIR ?= runs/demo
UV_VERSION := $(shell sed -n 's/^ *"uv==\(.*\)",/\1/p' pyproject.toml)
STAMP := .venv/.installed
TFX_STAMP := .venv-tfx/.installed
# Of `make tfx`: where adult_train.csv.gz is.
ADULT ?= ../shared/data/adult

.PHONY: venv demo test test-slow test-fast mutants lint format docs lock bazel-test build-files stubs clean \
  tfx-venv tfx test-tfx lock-tfx axe

venv: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "Python 3.11 to 3.13 is needed, $(PYTHON) is %d.%d. Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" % v)'
	@echo "[1/4] create .venv"
	@$(PYTHON) -m venv --clear .venv
	@echo "[2/4] install uv $(UV_VERSION)"
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
# Compiled once: where Python may not keep bytecode, each process would take 25 s to
# import TensorFlow, in place of 8.
	@echo "[3/4] install and compile the locked packages (4.3 GB)"
	@.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes \
	  --compile-bytecode requirements.lock
	@echo "[4/4] install kd-keras"
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
	@touch $@

demo: venv
	@.venv/bin/python -m pipelines.study --config=configs/demo.py --workdir=$(WORKDIR)

# A second environment, for TFX needs other versions of a few packages.
tfx-venv: $(TFX_STAMP)

$(TFX_STAMP): requirements-tfx.lock pyproject.toml pipelines/tfx/environment.sh | $(STAMP)
	@echo "make .venv-tfx with TFX (about 3 GB)"
	@pipelines/tfx/environment.sh .venv-tfx .venv/bin/uv $(PYTHON)
	@touch $@

# The whole pipeline, twice: the second run compares with what the first one blessed.
tfx: tfx-venv
	@.venv-tfx/bin/python -m examples.tfx_pipeline --data=$(ADULT)/adult_train.csv.gz \
	  --root=runs/tfx

test-tfx: tfx-venv
	@.venv-tfx/bin/python -m pytest -q -m tfx tests/pipelines/in_tfx

TESTS := .venv/bin/python -m pytest -n 2 --dist loadfile --durations=10

test: venv lint
	@$(TESTS) -m "not slow"

# Clusters, kills, every row of configs. In the order of their names: the longest file is
# among the first.
test-slow: venv
	@$(TESTS) --no-loadscope-reorder -m slow

# axe-core, which looks for barriers in the report; its test is skipped without it.
axe: venv
	@npm install --no-save --no-audit --no-fund --silent --prefix .venv axe-core

# What changes daily: numbers, without a study, a browser or a cluster.
test-fast: venv
	@.venv/bin/ruff check .
	@.venv/bin/python -m pytest -n 2 --dist loadfile -m "not slow" tests/losses tests/fairness \
	  tests/mitigation tests/pipelines/analysis tests/pipelines/release

# Do the tests notice what a slip of the pen makes of the code? Takes hours; see
# docs/testing.md for a part of it.
mutants: venv
	@.venv/bin/python tests/mutation/run.py

lint: venv
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: venv
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

docs: venv
	@.venv/bin/python -m zensical build --strict
	@echo "site/index.html"

# uv.lock names registry hosts, so only the exported list with hashes is kept.
lock: venv
	@.venv/bin/uv lock
	@.venv/bin/uv export --frozen --no-header --no-emit-project --no-annotate \
	  --all-extras --no-extra log --all-groups > requirements.lock

lock-tfx: venv
	@.venv/bin/uv pip compile --quiet --no-config --universal --generate-hashes \
	  --python-version 3.11 --no-header --no-annotate pyproject.toml --extra pipelines \
	  pipelines/tfx/requirements.in --override pipelines/tfx/overrides.txt \
	  --output-file requirements-tfx.lock

bazel-test: venv
	@.venv/bin/python -m bazel.build_files --check
	@bazel test //...

# After a change of imports.
build-files: venv
	@.venv/bin/python -m bazel.build_files --write

# After a change of the table of gaps: their names for type checkers and editors.
stubs: venv
	@.venv/bin/python tests/fairness/gap_stubs.py

clean:
	rm -rf .venv .venv-tfx runs site .cache
