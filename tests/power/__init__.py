"""Power can go at any instant of anything a token does: every story, every instant, every way to be cut, and twice.

`stories` says what happens to tokens, `check` what must hold for whatever is left, `crash` enumerates.
"""
