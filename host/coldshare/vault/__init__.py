"""What a Vultisig vault file is: reading it, checking the share inside, and taking its base64 layers apart.

The libraries behind it (protobuf, libsecp256k1, libsodium) load when a share is first read, not before.
"""

from __future__ import annotations

from .archive import Archive, Member, choose_member, is_archive, members, open_archive
from .checks import CHECKS, Check
from .container import Form
from .encryption import Encryption
from .facts import ChainFacts, ShareFacts
from .files import read_file
from .layers import Part, split
from .limits import MAX_FILE_SIZE
from .read import VaultShare, read_share

__all__ = [
    "CHECKS",
    "MAX_FILE_SIZE",
    "Archive",
    "ChainFacts",
    "Check",
    "Encryption",
    "Form",
    "Member",
    "Part",
    "ShareFacts",
    "VaultShare",
    "choose_member",
    "is_archive",
    "members",
    "open_archive",
    "read_file",
    "read_share",
    "split",
]
