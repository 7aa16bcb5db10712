# make demo | make test are all a newcomer needs; both prepare the machine first.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
ARGS ?=
export DO_NOT_TRACK := true

.PHONY: env packages demo test coverage lint format bench soak clean lock

env: $(STAMP)

# The environment is made anew only when the lock or the project file changes.
$(STAMP): requirements.lock pyproject.toml
	@./bootstrap.sh env "$(PYTHON)" "$(VENV)"
	@touch $@

packages:
	@./bootstrap.sh packages

demo: env
	@$(BIN)/agro demo $(ARGS)

test: env packages
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder -m "not slow" $(ARGS)

# Which lines the tests run; half as long again.
coverage: env packages
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report=term $(ARGS)"

lint: env
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy base web agro flows models features registry monitoring bentos rollout
	@$(BIN)/lint-imports --no-cache

format: env
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: env
	@for file in benchmarks/[a-z]*.py; do $(BIN)/python -m benchmarks.$$(basename $$file .py) $(ARGS) || exit 1; done

soak: env packages
	@$(BIN)/python -m pytest -m slow $(ARGS)
	@$(BIN)/python -m tests.mutations

# Everything that running leaves behind, the environment included.
clean:
	@if [ -x $(BIN)/agro ]; then $(BIN)/agro down || true; fi
	rm -rf var $(VENV) .pytest_cache .mypy_cache .ruff_cache .coverage*

# After a change of dependencies: the whole set, and the part that a serving image needs.
lock:
	$(BIN)/uv pip compile pyproject.toml --all-extras --generate-hashes --python-version 3.11 -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra serve --constraint requirements.lock --generate-hashes --python-version 3.11 -q -o bentos/requirements.lock
