# Every target sets itself up: .venv with locked versions, from nothing but Python 3.11 or newer.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
SHARED ?= ../shared/data
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: run test lint bench chaos soak eval train broker lock clean

run: .venv/ready
	$(BIN)/otklik triage samples/posts.jsonl --out table

test: .venv/ready-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready-dev
	$(BIN)/python -m bench.speed
	$(BIN)/python -m bench.stream
	$(BIN)/python -m bench.casebook
	$(BIN)/python -m bench.service

chaos: .venv/ready-dev
	$(BIN)/python -m bench.chaos
	$(BIN)/python -m bench.casebook_chaos

soak: .venv/ready-dev
	$(BIN)/python -m bench.service --soak

eval: .venv/ready
	$(BIN)/python -m bench.evaluate

train: .venv/ready
	$(BIN)/python -m classifiers.train --shared $(SHARED) --without "$(WITHOUT)"

broker: .venv/python
	$(BIN)/python deploy/broker.py --port 9092

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes -q -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes -q -o requirements-dev.lock

.venv/python:
	@test -n "$(PYTHON)" || { echo "Нужен Python 3.11 или новее"; exit 2; }
	$(PYTHON) -m venv .venv
	touch $@

.venv/ready: .venv/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	$(BIN)/python -m compileall -q app casebook cases classifiers journal language pipeline records regulation rules
	touch $@

.venv/ready-dev: .venv/ready requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

clean:
	rm -rf .venv build *.egg-info
