# `make demo` and `make test` work on a fresh machine with Python >= 3.11, python3-venv and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow test-micropython crash fuzz test-kernel bench-kernel lint lint-udev bench wheel example clean

# Two stamps, so that the demo installs what a user needs and no more.
$(VENV)/.installed: pyproject.toml host/coldshare/__init__.py udev/70-coldshare.rules
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "coldshare needs Python 3.11 or newer; try: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(VENV)/.installed ## set everything up and show the main job on three software tokens
	$(BIN)/coldshare demo

test: $(VENV)/.installed-dev ## the test suite
	$(BIN)/pytest -q -n 2

test-slow: $(VENV)/.installed-dev ## what takes longer: every rule broken in turn, a full heap at every third line, every real vault file through the command line
	$(BIN)/pytest -q -n 2 -m 'slow and not micropython'

test-micropython: $(VENV)/.installed-dev ## the firmware under MicroPython; prepares the interpreter by itself
	$(BIN)/python tests/micropython/prepare.py
	$(BIN)/pytest -q -n 2 -m micropython tests/micropython tests/board

crash: $(VENV)/.installed-dev ## power cut at every flash operation of every story, and every fault of the link
	PYTHONPATH=tests $(BIN)/python -m power

fuzz: $(VENV)/.installed-dev ## every parser under atheris, for about four minutes; SECONDS=n for longer
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(BIN)/pytest -q tests/fuzz/test_runner.py
	PYTHONPATH=tests $(BIN)/python -m fuzz $(if $(SECONDS),--seconds $(SECONDS))

test-kernel: $(VENV)/.installed-dev ## real USB: a Debian kernel in QEMU, hidapi and pyusb, udev and its users; prepares the machine by itself
	PYTHONPATH=tests $(BIN)/python -m kernel.vm test

bench-kernel: $(VENV)/.installed-dev ## the figures of real USB, into bench/results.json; on a computer that does nothing else
	PYTHONPATH=tests $(BIN)/python -m kernel.vm run $(abspath $(BIN))/python -m bench.kernel_bus /run/out/bench.json
	$(BIN)/python -m bench.kernel build/kernel/bench.json

lint: $(VENV)/.installed-dev ## ruff, mypy strict, pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=tests $(BIN)/mypy bench
	$(BIN)/pyright

lint-udev: $(VENV)/.installed-dev ## the rules, by udev's own judgement; prepares udevadm by itself
	$(BIN)/python tests/udev/lint.py udev/70-coldshare.rules

bench: $(VENV)/.installed-dev ## the figures, written to bench/results.json
	-$(BIN)/python -m coldshare_sim.mpy
	$(BIN)/python -m bench

wheel: $(VENV)/.installed-dev ## the wheel, installed into an empty environment and used from there
	rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps -w build/wheel .
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/pip install --quiet --disable-pip-version-check build/wheel/coldshare-*.whl
	cd / && $(CURDIR)/build/wheel/venv/bin/coldshare demo

example: wheel ## a project of its own, docs/examples/ci, that uses coldshare from that wheel
	rm -rf build/example && cp -R docs/examples/ci build/example
	build/wheel/venv/bin/pip install --quiet --disable-pip-version-check './build/example[test]'
	cd build/example && ../wheel/venv/bin/pytest -q -n 2

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
