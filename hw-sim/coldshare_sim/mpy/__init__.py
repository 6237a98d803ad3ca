"""A token whose firmware runs under MicroPython, in a process of its own."""
