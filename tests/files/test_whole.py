from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chainrule.errors import FileError
from chainrule.files.whole import check_writable, write_whole


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_on_the_way_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, failing, full)
    with pytest.raises(FileError, match="No space left on device"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_on_the_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", b"new")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="the system limits no sizes of files")
def test_a_disk_that_is_full_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    code = """
import resource, signal, sys
from chainrule.errors import FileError
from chainrule.files.whole import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_whole(sys.argv[1], bytes(1_000_000))
except FileError as error:
    print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith(f"{path} cannot be written: File too large")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others on Windows")
@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_a_folder_that_may_not_be_written_to_is_named(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    path = folder / "file"
    path.write_bytes(b"old")
    if os.geteuid() == 0:
        pytest.skip("the superuser may write anywhere")
    folder.chmod(mode)
    try:
        for attempt in (lambda: write_whole(path, b"new"), lambda: check_writable(path)):
            with pytest.raises(FileError, match=r"(?i)permission"):
                attempt()
    finally:
        folder.chmod(0o700)
    assert list(folder.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_names_may_be_long_and_of_any_letters(tmp_path: Path) -> None:
    path = tmp_path / ("€" * 80)  # 240 bytes, of at most 255
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("name", ["a\0b", "a" * 300])
def test_names_that_cannot_be_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        write_whole(tmp_path / name, b"new")


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_an_absent_folder_is_named_beforehand(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no folder"):
        check_writable(tmp_path / "absent" / "file")
    with pytest.raises(FileError, match="is a folder"):
        check_writable(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for attempt in (lambda: write_whole(pipe, b"new"), lambda: check_writable(pipe)):
        with pytest.raises(FileError, match="a device or a pipe, not a file"):
            attempt()
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_what_is_read_or_written_already_is_not_written_over(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("a,b\n")
    link = tmp_path / "link.csv"
    link.symlink_to(data)
    for name in (data, link):
        with pytest.raises(FileError, match="named twice"):
            check_writable(name, keep=[tmp_path / "other", data])
    check_writable(tmp_path / "new.csv", keep=[data])
