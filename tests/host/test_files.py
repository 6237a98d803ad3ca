"""Writing files that must not be lost, half-written, readable by others, or on top of something else."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from coldshare.files import OutputError, OutputExistsError, write_private

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, links and limits of POSIX")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("replace", [True, False])
def test_a_new_file_holds_the_bytes_and_is_private(tmp_path: Path, replace: bool) -> None:
    write_private(tmp_path / "a", b"bytes\r\n\0", replace=replace)
    assert (tmp_path / "a").read_bytes() == b"bytes\r\n\0"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert names(tmp_path) == ["a"]


def test_a_generous_umask_makes_no_difference(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "a", b"x", replace=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_replacing_replaces_and_makes_private(tmp_path: Path) -> None:
    old = tmp_path / "a"
    old.write_bytes(b"old")
    old.chmod(0o644)
    write_private(old, b"new", replace=True)
    assert old.read_bytes() == b"new"
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert names(tmp_path) == ["a"]


def test_an_existing_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(OutputExistsError, match="exists already"):
        write_private(tmp_path / "a", b"new", replace=False)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("target", ["real", "missing"])
def test_a_symbolic_link_is_a_file_that_exists(tmp_path: Path, target: str) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(OutputExistsError):
        write_private(tmp_path / "link", b"new", replace=False)
    assert names(tmp_path) == ["link", "real"]
    assert (tmp_path / "real").read_bytes() == b"old"


def test_a_folder_is_a_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OutputExistsError):
        write_private(tmp_path / "a", b"new", replace=False)


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_a_file_that_appears_while_we_write_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Between the look and the move somebody else takes the name."""
    path = tmp_path / "a"
    sync = os.fsync

    def racing(descriptor: int) -> None:
        if kind == "file":
            path.write_bytes(b"theirs")
        else:
            path.symlink_to(tmp_path / "nowhere")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", racing)
    with pytest.raises(OutputExistsError):
        write_private(path, b"ours", replace=False)
    monkeypatch.undo()
    assert names(tmp_path) == ["a"]
    assert path.is_symlink() if kind != "file" else path.read_bytes() == b"theirs"


def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)


def test_without_hard_links_it_works_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_links(monkeypatch)
    write_private(tmp_path / "a", b"x", replace=False)
    assert (tmp_path / "a").read_bytes() == b"x"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert names(tmp_path) == ["a"]


def test_without_hard_links_a_failed_move_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_links(monkeypatch)

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "the disk")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="Input/output error"):
        write_private(tmp_path / "a", b"x", replace=False)
    assert names(tmp_path) == []


@pytest.mark.parametrize("replace", [True, False])
def test_a_full_disk_leaves_nothing_of_ours_and_everything_that_was(tmp_path: Path, replace: bool) -> None:
    """A limit on the size of files stands for the full disk: the write fails half way."""
    if replace:
        (tmp_path / "a").write_bytes(b"old")
    script = """
import pathlib, resource, signal, sys
from coldshare.files import OutputError, write_private
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_private(pathlib.Path(sys.argv[1]), bytes(5000), replace=sys.argv[2] == "True")
except OutputError as error:
    print(error.code, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a"), str(replace)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("output_failed")
    assert "File too large" in done.stdout
    assert names(tmp_path) == (["a"] if replace else [])
    if replace:
        assert (tmp_path / "a").read_bytes() == b"old"


def test_no_space_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left") as caught:
        write_private(tmp_path / "a", b"x", replace=False)
    assert "disk" in caught.value.next_step
    assert names(tmp_path) == []


def test_a_folder_without_permission() -> None:
    """Root may write anywhere, so the test is somebody else for a moment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            with pytest.raises(OutputError, match="Permission denied"):
                write_private(folder / "a", b"x", replace=False)
        finally:
            if root:
                os.seteuid(0)
        assert names(folder) == []
        folder.chmod(0o700)


@pytest.mark.parametrize("where", ["missing/a", "file/a"])
def test_a_folder_that_is_none(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        write_private(tmp_path / where, b"x", replace=False)
    assert names(tmp_path) == ["file"]


def test_the_longest_name_there_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("\N{EURO SIGN}" * 85)  # 255 bytes
    write_private(path, b"x", replace=False)
    assert names(tmp_path) == [path.name]
