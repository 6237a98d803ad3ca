"""Every number of the sealed format, in one place. `seal.cddl` beside this module says the same in CDDL.

A sealed file is one COSE_Encrypt message (RFC 9052 section 5, CBOR tag 96) in deterministic CBOR.

====================  =============================================================  ======================
header                label                                                          value
====================  =============================================================  ======================
protected             1 (alg)                                                        3 (A256GCM)
protected             5 (IV)                                                         12 bytes
protected             `VERSION` -1129512962, profile version                         1
protected             `SUITE` -1129512963, the algorithms around COSE's              1
protected             `BACKUP_ID` -1129512964, opaque and random                     16 bytes
protected             `COMMIT` -1129512965, commitment to the file key               32 bytes
protected             `DECLARATION` -1129512966, digest of the declaration           32 bytes
recipient             1 (alg)                                                        -5 (A256KW)
recipient             `SLOT` -1129512967, slot header                                map: factors, salt, KDF
====================  =============================================================  ======================

Labels below -65536 are for private use (RFC 9052 section 11.1 points to the IANA registry). Ours are encoded as
``3a 43 53 00 nn``: the letters CS and a number, so that a hex dump of an orphaned file shows whose it is.

Suite 1: HKDF-SHA256, Argon2id version 0x13, A256KW, A256GCM.
"""

from __future__ import annotations

from typing import Final

COSE_ENCRYPT: Final = 96
COSE_ALG: Final = 1
COSE_IV: Final = 5
A256GCM: Final = 3
A256KW: Final = -5

VERSION: Final = -1129512962
SUITE: Final = -1129512963
BACKUP_ID: Final = -1129512964
COMMIT: Final = -1129512965
DECLARATION: Final = -1129512966
SLOT: Final = -1129512967

VERSION_1: Final = 1
SUITE_1: Final = 1

# Keys of the slot header.
SLOT_FACTORS: Final = 1
SLOT_SALT: Final = 2
SLOT_KDF: Final = 3

#: Domain separation for HKDF; the number is the profile version.
INFO_BODY: Final = b"coldshare/seal/1 body"
INFO_COMMIT: Final = b"coldshare/seal/1 commit"
INFO_SLOT: Final = b"coldshare/seal/1 slot"

# Lengths in bytes.
KEY_LEN: Final = 32
IV_LEN: Final = 12
TAG_LEN: Final = 16
SALT_LEN: Final = 16
BACKUP_ID_LEN: Final = 16
DIGEST_LEN: Final = 32
WRAPPED_LEN: Final = KEY_LEN + 8

SLOTS_MAX: Final = 8
#: An encoded slot header. Ours have less than 40 bytes; the rest is for slots of later versions.
SLOT_HEADER_MAX: Final = 256
#: The padded plaintext.
PLAINTEXT_MAX: Final = 1 << 20
#: The whole file. The header cannot reach the 64 KiB; a file above it is not worth parsing.
SEALED_MAX: Final = PLAINTEXT_MAX + (1 << 16)
#: The file that is backed up, and what the parts tree inflates to.
ORIGINAL_MAX: Final = 16 << 20
