"""Places where backups are kept that are no tokens: a folder on a stick, a card or a disk that lies in a drawer.

`folder` is the storage, `format` what it writes, `files` the few operations on files that it needs, `shares` what
people do with it. docs/folders.md says what it is good for.
"""
