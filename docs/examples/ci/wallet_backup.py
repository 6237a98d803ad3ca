"""Keeps the backup of a wallet's share on a coldshare token.

wallet_backup.py FILE PIN_FILE PASSWORD_FILE     stores the vault file FILE on the token that COLDSHARE_AT names
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from coldshare.backup import backup
from coldshare.device.address import Address
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare.device.transport import open_transport
from coldshare.errors import ColdshareError
from coldshare.home import pairings_path


def keep(token: TokenClient, vault_file: bytes, password: str) -> str:
    """Store the share on an unlocked token. Returns the id of the backup."""
    return backup(token, vault_file, password).backup_id.hex()


def main(arguments: list[str]) -> int:
    try:
        vault_file, pin_file, password_file = map(Path, arguments)
    except ValueError:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        with TokenClient(open_transport(Address.parse(os.environ.get("COLDSHARE_AT")))) as token:
            token.connect(PairingStore(pairings_path()))
            token.unlock(pin_file.read_text().strip())
            sys.stdout.write(keep(token, vault_file.read_bytes(), password_file.read_text().strip()) + "\n")
    except ColdshareError as error:
        sys.stderr.write(f"{error.message} {error.next_step}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
