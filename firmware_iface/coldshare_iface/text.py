"""Which characters a declared text may hold: the contract's rule, once. Portable subset.

A token shows names before a person presses its button. Characters that move the cursor, turn the direction of writing
or show as nothing could make a screen say one thing and mean another.
"""

# Soft hyphen, Arabic letter mark, Mongolian vowel separator, byte order mark.
_SINGLES = (0xAD, 0x61C, 0x180E, 0xFEFF)


def unshowable(code: int) -> bool:
    """True for a code point that a declaration must not hold.

    C0, DEL and C1 controls; zero-width and direction marks; line and paragraph separators; invisible operators and
    isolates; surrogates; tags, variation selectors of the supplement and everything above them.
    """
    return (
        code < 0x20
        or 0x7F <= code < 0xA0
        or 0x200B <= code <= 0x200F
        or 0x2028 <= code <= 0x202E
        or 0x2060 <= code <= 0x206F
        or 0xD800 <= code <= 0xDFFF
        or code >= 0xE0000
        or code in _SINGLES
    )
