"""The project's figures. `python -m bench` measures them, prints them and writes `bench/results.json`.

Where a peer exists a figure is a ratio against it, measured in the same run and interleaved with it, because the
machines this runs on are noisy. Figures that depend on a vault file end in `_synthetic` unless the real one is at
hand (`COLDSHARE_FIXTURES`), so that nobody mistakes one for the other.
"""
