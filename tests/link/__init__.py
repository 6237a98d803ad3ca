"""Every fault of the wire, at every report of whole conversations between the real host and the real token.

`make test` runs a sample. All of it: `PYTHONPATH=tests python -m link`.
"""
