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
#: Characters of one JSON text: a GG20 key share, or a whole old backup. A GG20 share of 32 parties has 120,000.
MAX_JSON_TEXT: Final = 8 * 1024 * 1024
#: How deep its lists and objects nest. A GG20 share has 5.
MAX_JSON_DEPTH: Final = 16
#: Brackets and commas outside its strings. A GG20 share of 32 parties has fewer than 600.
MAX_JSON_ITEMS: Final = 10_000
#: Digits of one number in it. The largest in a GG20 share have 2048 bits, 617 digits.
MAX_JSON_DIGITS: Final = 1300
#: Key shares of one vault. A seed import of every chain the vendor knows has fewer than 40.
MAX_KEY_SHARES: Final = 64
#: Different key shares of one key. Apps have written two.
MAX_COPIES: Final = 8
#: Bytes of a key or a key share that coldshare cannot look into. An ML-DSA key in hexadecimal has 2624.
MAX_UNKNOWN_SIZE: Final = 64 * 1024
#: Chains with a key of their own. The vendor knows about 40.
MAX_CHAINS: Final = 128
#: Bytes of a zip, and of everything in it inflated.
MAX_ARCHIVE_SIZE: Final = 64 * 1024 * 1024
#: Entries of a zip, those that are no vault files among them.
MAX_ARCHIVE_ENTRIES: Final = 1024
