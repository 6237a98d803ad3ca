"""Fuzz targets: one function for each parser that meets bytes from outside.

`make test` runs them under hypothesis for a moment (`test_targets`), `make fuzz` under atheris for longer
(`python -m fuzz`, see `__main__`). Seeds are in `corpus/`, written by `python -m fuzz.seeds`.
"""
