"""Every bound on what a vault file may hold, in one place. A hostile file can lie in every field."""

from __future__ import annotations

from typing import Final

#: Bytes of a file. A plain share of a 32-party vault is about 5 MB.
MAX_FILE_SIZE: Final = 16 * 1024 * 1024
#: Parties of one vault. The vendor's apps stop far below.
MAX_PARTIES: Final = 32
#: UTF-8 bytes of a vault name, a party id or a reshare prefix. Real ones stay under 64.
MAX_NAME_SIZE: Final = 256
#: Top-level fields of one protobuf message. Real DKLS vaults have fewer than 20, seed imports about 100.
MAX_FIELDS: Final = 256
#: Bytes in a row that are zero inside the OT seeds. Real ones have runs of at most 64.
MAX_BLANK_RUN: Final = 512
