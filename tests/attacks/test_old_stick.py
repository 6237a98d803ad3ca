"""Who: somebody who had the stick in his hands before a reshare, and puts back then what was on it: the same stick, or
a copy.
Wants: the old share to stand again as the one that counts, so that it is restored over a newer one, or kept as a backup
that is none.
What stops him: the stick itself cannot tell, but this computer's ledger knows which generation replaced which: `list`
and `drill` say that the share is old, `restore --onto` refuses it, and no place gets it from this computer again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.reshare import generations
from support.shell import Said, Shell, failed

AT = ("--at", "folder:stick")
SEAL = ("--password-file", "pw", "--no-recovery")


@pytest.fixture
def put_back(shell: Shell, tmp_path: Path) -> Shell:
    """The vault was reshared, the new share is on the stick, the old one was retired and destroyed. Then the stick is
    as it was before."""
    old, new = (shares[0].vult for shares in generations(2))
    shell.write("old.vult", old)
    shell.write("new.vult", new)
    (tmp_path / "stick").mkdir()
    before = good(shell("backup", "old.vult", *AT, *SEAL, "--json")).json["backup_id"]
    shutil.copytree(tmp_path / "stick", tmp_path / "copy")
    good(shell("backup", "new.vult", *AT, *SEAL, "--newer"))
    good(shell("retire", before[:8], *AT))
    good(shell("destroy", before[:8], *AT, "--yes"))
    shutil.rmtree(tmp_path / "stick")
    shutil.copytree(tmp_path / "copy", tmp_path / "stick")
    return shell


def good(said: Said) -> Said:
    assert said.status == 0, (said.out, said.err)
    return said


def forget(shell: Shell) -> None:
    (shell.home / "ledger.sqlite").unlink()


@pytest.mark.parametrize("defended", [True, False])
def test_the_list_says_that_it_is_old(put_back: Shell, defended: bool) -> None:
    """The control: a computer without a ledger. To the stick all is as it should be."""
    if not defended:
        forget(put_back)
    (one,) = good(put_back("list", *AT, "--json")).json["backups"]
    assert (one["state"], one["old"]) == ("active", True if defended else None)
    assert ("active, OLD" in good(put_back("list", *AT)).out) is defended


@pytest.mark.parametrize("defended", [True, False])
def test_it_goes_onto_no_device(put_back: Shell, tmp_path: Path, defended: bool) -> None:
    """Even where the device is lost. The control: a computer that knows nothing."""
    good(put_back("lost", "Phone"))
    if not defended:
        forget(put_back)
    said = put_back("restore", *AT, "--password-file", "pw", "--out", "back.vult", "--onto", "new Phone")
    if defended:
        failed(said, "stale_share", 5, as_json=False)
        assert not (tmp_path / "back.vult").exists()
    else:
        good(said)
        assert (tmp_path / "back.vult").read_bytes() == (tmp_path / "old.vult").read_bytes()


@pytest.mark.parametrize("defended", [True, False])
def test_a_drill_of_it_says_so(put_back: Shell, defended: bool) -> None:
    if not defended:
        forget(put_back)
    answer = good(put_back("drill", *AT, "--password-file", "pw", "--json")).json
    assert any("This share is OLD" in words for words in answer["warnings"]) is defended
    assert (answer["rehearsal"]["rehearsed"] == []) is defended


def test_without_a_device_it_is_given_back_with_a_warning(put_back: Shell) -> None:
    """Old shares still sign with each other, and on the worst day that may be all there is."""
    said = good(put_back("restore", *AT, "--password-file", "pw", "--out", "back.vult"))
    assert "has replaced it" in said.out + said.err


@pytest.mark.parametrize("defended", [True, False])
def test_it_is_counted_for_no_backup(put_back: Shell, defended: bool) -> None:
    """`ledger rescan` asks the stick what it holds, and `status` judges that."""
    if not defended:
        forget(put_back)
    put_back("ledger", "rescan", *AT)
    (vault,) = put_back("status", "--json").json["vaults"] or [{"members": []}]
    phone = [one for one in vault["members"] if one["party"] == "Phone"]
    assert bool(phone and phone[0]["backups"]) is False
    assert bool(phone and phone[0]["older"]) is defended
