"""A Debian kernel in QEMU, with this computer's files as its own, read-only: what `make test-kernel` runs in.

Nothing is installed and no root is needed. `python -m kernel.vm` is the way in (docs/kernel-tests.md).
"""
