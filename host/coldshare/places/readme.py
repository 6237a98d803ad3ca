"""The text for whoever finds the stick. It names nobody."""

from __future__ import annotations

from typing import Final

__all__ = ["README"]

#: Plain ASCII with the line ends that every editor shows as lines.
README: Final = """\
THIS FOLDER HOLDS A BACKUP, AND SOMEBODY NEEDS IT

What it is
  Sealed backups of one share each of a shared digital wallet, made by a
  program called coldshare. Each is here twice: XXXXXXXX.a and XXXXXXXX.b
  are the same.

If you have found this
  Please give it back, or hand it in where lost things are handed in. It is of
  no use to you: it opens only with a password or a recovery code, which are
  not here, and cannot be guessed in any useful time. And even opened, one
  share alone moves no money. It names nobody, so it cannot tell you whose it
  is.

If it is yours
  Do not change, rename or delete anything here by hand.
  coldshare verify  --at folder:PATH               proves that it still opens
  coldshare restore --at folder:PATH --out FILE    gets the vault file back
  PATH is the folder in which this folder lies.

If there is no coldshare any more
  Get docs/recover.py, one file that comes with every copy of coldshare's
  sources; it needs only Python and the package "cryptography". Then:
  python3 recover.py XXXXXXXX.a share.vult
  Take XXXXXXXX.b if that one is damaged. It asks for the recovery code; with
  --password-file FILE it takes the password instead.

What the files are
  index.a index.b   the list of what is here, twice
  XXXXXXXX.a .b     a sealed share, twice
  XXXXXXXX.tag      how the list is made anew if both copies are lost
""".replace("\n", "\r\n")
