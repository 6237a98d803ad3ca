"""The token: reports in, reports out. Portable subset of Python; no I/O but through the hal it is given."""

VERSION = "0.1.0"
