# `make demo` runs the whole platform on this machine; `make test` runs every test. Both do all set-up themselves.
PYTHON ?= python3
export PYTHON
LOCKED = requirements/uv.txt requirements/install pyproject.toml hub_config/proxy/package-lock.json \
	hatch_build.py $(wildcard extensions/viewer/*.mjs extensions/viewer/src/*/* extensions/viewer/schema/*)

.PHONY: demo up down test check install clean

demo: .venv/.installed-demo
	@.venv/bin/python -m panosc_analysis demo $(ARGS)

# The same with a container for each session, on this machine's Docker daemon; ARGS="--policy FILE" runs a facility's own.
up: .venv/.installed-demo
	@images/build all
	@.venv/bin/python -m panosc_analysis up $(ARGS)

down: .venv/.installed-demo
	@.venv/bin/python -m panosc_analysis down $(ARGS)

test: .venv/.installed-test check
	@.venv/bin/python -m pytest $(ARGS)

# Style, types and layers.
check: .venv/.installed-test
	@.venv/bin/python -m ruff check
	@.venv/bin/python -m ruff format --check
	@.venv/bin/python -m mypy
	@.venv/bin/lint-imports --no-cache
	@.venv/bin/node .venv/lib/viewer/node_modules/typescript/bin/tsc -p extensions/viewer

install: .venv/.installed-demo

.venv/.installed-demo: requirements/demo.txt $(LOCKED)
	@requirements/install demo

.venv/.installed-test: requirements/test.txt tests/openid_provider/package-lock.json extensions/viewer/package-lock.json $(LOCKED)
	@requirements/install test
	@touch .venv/.installed-demo

clean:
	rm -rf .venv .demo .panosc build dist
