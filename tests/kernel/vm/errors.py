"""What keeps the machine from being prepared or from coming to an end."""

from __future__ import annotations


class VmError(Exception):
    """The virtual machine cannot be used; the text is a sentence, or several lines that end with one."""
