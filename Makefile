# README's commands, from a bare clone with Python 3.11 or newer. uv is used where there is one.
VENV ?= .venv
BIN := $(VENV)/bin
PY ?= $(shell command -v python3)
UV := $(shell command -v uv 2>/dev/null)
export UV_COMPILE_BYTECODE = 1
export UV_PYTHON_DOWNLOADS = never

.PHONY: demo test check unit install clean bench

demo: $(BIN)/modelcar-tui
	$(BIN)/modelcar-tui --demo

test: $(VENV)/.dev check unit

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.dev
	$(BIN)/pytest -n auto --dist worksteal $(PYTEST_ARGS)

install: $(VENV)/.dev

$(BIN)/python:
ifdef UV
	uv venv -q --python "$$($(PY) -c 'import sys; print(sys.executable)')" $(VENV)
else
	$(PY) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade 'pip>=24.2'
endif

$(BIN)/modelcar-tui: pyproject.toml | $(BIN)/python
ifdef UV
	uv pip install -q --python $(BIN)/python -e .
else
	$(BIN)/python -m pip install -q -e .
endif
	@touch $@

$(VENV)/.dev: pyproject.toml $(BIN)/modelcar-tui
ifdef UV
	uv pip install -q --python $(BIN)/python --group dev
else
	$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -q --group dev
endif
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
