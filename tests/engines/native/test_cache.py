"""The cache of compiled code: whatever lies in its folder, results are right, nothing crashes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines.native import cache, compiler
from chainrule.graph.node import variable

KEY = cache.key_of("a program", "a processor")
CODE = b"\x7fELF" + bytes(range(256)) * 20

posix_only = pytest.mark.skipif(os.name == "nt", reason="POSIX owners and permissions")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    chosen = tmp_path / "cache"
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(chosen))
    return chosen


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each program that is compiled, rather than found."""
    found: list[str] = []
    original = compiler._generate

    def generate(modules: Any) -> bytes:
        found.append(str(modules))
        return original(modules)

    monkeypatch.setattr(compiler, "_generate", generate)
    return found


def run_program(factor: float = 3.0) -> None:
    x = variable("x", ("rows",))
    function = cr.compile(factor * x + 1.0, [x], engine="native")
    np.testing.assert_array_equal(function([1.0, 2.0])[0], [factor + 1.0, 2.0 * factor + 1.0])


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    assert file.suffix == ".o"
    return file


# --- keeping and finding -----------------------------------------------------------------


def test_what_is_saved_is_found_again_and_nothing_else(folder: Path) -> None:
    assert cache.load(KEY) is None
    cache.save(KEY, CODE)
    assert cache.load(KEY) == CODE
    assert cache.load(cache.key_of("a program", "another processor")) is None
    assert only_file(folder).name == f"{KEY}.o"


def test_keys_tell_parts_apart() -> None:
    parts = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("c", "ab")]
    assert len({cache.key_of(*each) for each in parts}) == len(parts)


@posix_only
def test_only_the_user_may_read_the_folder_and_its_files(folder: Path) -> None:
    cache.save(KEY, CODE)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert only_file(folder).stat().st_mode & 0o777 == 0o600


def test_code_is_compiled_once(generated: list[str]) -> None:
    for _ in range(3):
        run_program()
    assert len(generated) == 1
    run_program(factor=4.0)
    assert len(generated) == 2


def test_another_process_finds_the_code(generated: list[str]) -> None:
    program = """
import numpy as np
import chainrule as cr
from chainrule.engines.native import compiler
def refuse(module):
    raise SystemExit("compiled again")
compiler._generate = refuse
x = cr.variable("x", ("rows",))
function = cr.compile(3.0 * x + 1.0, [x], engine="native")
assert function([1.0, 2.0])[0].tolist() == [4.0, 7.0]
"""
    run_program()
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")
    assert len(generated) == 1


# --- files that are not to be trusted ----------------------------------------------------


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


DAMAGE = {
    "empty": lambda content: b"",
    "cut off in the header": lambda content: content[:10],
    "cut off in the digest": lambda content: content[: len(cache._MAGIC) + 5],
    "without code": lambda content: content[: len(cache._MAGIC) + 32],
    "cut off": _truncated,
    "one bit flipped": lambda content: content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
    "longer": lambda content: content + b"\x00",
    "foreign": lambda content: b"not chainrule's" + content,
    "another version": lambda content: content.replace(b"object 1", b"object 0", 1),
    "a bare object": lambda content: content[len(cache._MAGIC) + 32 :],
    "text": lambda content: "größer\n".encode() * 500,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_ignored_and_made_anew(
    damage: str, folder: Path, generated: list[str]
) -> None:
    run_program()
    file = only_file(folder)
    good = file.read_bytes()
    file.write_bytes(DAMAGE[damage](good))
    assert file.read_bytes() != good
    assert cache.load(file.stem) is None
    run_program()
    assert len(generated) == 2
    assert only_file(folder).read_bytes() == good
    run_program()
    assert len(generated) == 2


def test_code_of_another_program_under_this_name_is_ignored(
    folder: Path, generated: list[str]
) -> None:
    """Its digest is that of what it should hold, so a copied file gives itself away."""
    run_program()
    file = only_file(folder)
    header = file.read_bytes()[: len(cache._MAGIC) + 32]
    run_program(factor=4.0)
    (other,) = set(folder.iterdir()) - {file}
    file.write_bytes(header + other.read_bytes()[len(header) :])
    run_program()
    assert len(generated) == 3


def test_a_sound_file_under_the_name_of_another_is_ignored(
    folder: Path, generated: list[str]
) -> None:
    run_program()
    file = only_file(folder)
    run_program(factor=4.0)
    (other,) = set(folder.iterdir()) - {file}
    os.replace(other, file)
    run_program()
    assert len(generated) == 3
    assert cache.load(file.stem) is not None


@posix_only
@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_file_that_others_may_write_is_ignored(
    mode: int, folder: Path, generated: list[str]
) -> None:
    run_program()
    only_file(folder).chmod(mode)
    run_program()
    assert len(generated) == 2
    assert only_file(folder).stat().st_mode & 0o777 == 0o600


@posix_only
def test_a_file_of_another_user_is_ignored(
    folder: Path, generated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_program()
    if os.getuid() == 0:
        os.chown(only_file(folder), 12345, 12345)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    run_program()
    assert len(generated) == 2


# --- folders that cannot be used ---------------------------------------------------------


def test_a_folder_that_is_a_file_costs_only_time(folder: Path, generated: list[str]) -> None:
    folder.write_text("in the way")
    run_program()
    run_program()
    assert len(generated) == 2
    assert folder.read_text() == "in the way"


def test_a_folder_within_a_file_costs_only_time(
    folder: Path, generated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("in the way")
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(folder / "deeper"))
    run_program()
    assert len(generated) == 1


@posix_only
def test_a_folder_that_cannot_be_written_costs_only_time(
    folder: Path, generated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    folder.chmod(0o500)
    if os.getuid() == 0:  # who may write everywhere

        def refuse(*arguments: Any, **named: Any) -> Any:
            raise PermissionError("read-only")

        monkeypatch.setattr(cache.tempfile, "mkstemp", refuse)
    run_program()
    run_program()
    assert len(generated) == 2
    assert not list(folder.iterdir())
    folder.chmod(0o700)


@pytest.mark.parametrize("fails", ["write", "close", "replace"])
def test_a_full_disk_leaves_nothing_half_written(
    fails: str, folder: Path, generated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> Any:
        raise OSError(28, "No space left on device")

    if fails == "replace":
        monkeypatch.setattr(os, "replace", fail)
    else:
        original = os.fdopen

        class Full:
            def __init__(self, handle: int, mode: str) -> None:
                self.file = original(handle, mode)

            def __enter__(self) -> Full:
                return self

            def write(self, content: bytes) -> None:
                self.file.write(content[:100])
                if fails == "write":
                    fail()

            def __exit__(self, *details: object) -> None:
                self.file.close()
                if fails == "close":
                    fail()

        monkeypatch.setattr(os, "fdopen", Full)
    run_program()
    assert not list(folder.iterdir())
    monkeypatch.undo()
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(folder))
    run_program()
    assert cache.load(only_file(folder).stem) is not None


# --- at once -----------------------------------------------------------------------------


def test_writers_and_readers_at_once_see_whole_files_only(folder: Path) -> None:
    contents = {bytes([number]) * 200_000 for number in range(4)}
    seen: set[bytes | None] = set()
    stop = threading.Event()

    def write(content: bytes) -> None:
        for _ in range(20):
            cache.save(KEY, content)

    def read() -> None:
        while not stop.is_set():
            seen.add(cache.load(KEY))

    writers = [threading.Thread(target=write, args=(each,)) for each in contents]
    reader = threading.Thread(target=read)
    for each in [reader, *writers]:
        each.start()
    for each in writers:
        each.join()
    stop.set()
    reader.join()
    assert seen - {None} <= contents
    assert seen - {None}
    only_file(folder)


def test_two_processes_compile_the_same_at_once(folder: Path) -> None:
    program = """
import chainrule as cr
x = cr.variable("x", ("rows",))
for factor in range(2, 6):
    function = cr.compile(float(factor) * x + 1.0, [x], engine="native")
    assert function([1.0, 2.0])[0].tolist() == [factor + 1.0, 2.0 * factor + 1.0]
"""
    running = [
        subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for each in running:
        _, errors = each.communicate(timeout=120)
        assert (each.returncode, errors) == (0, "")
    assert {each.suffix for each in folder.iterdir()} == {".o"}
    assert len(list(folder.iterdir())) == 4


# --- room --------------------------------------------------------------------------------


def test_what_was_not_used_for_longest_makes_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [cache.key_of(str(number)) for number in range(5)]
    for age, key in enumerate(keys[:4]):
        cache.save(key, CODE)
        os.utime(folder / f"{key}.o", (1000 + age, 1000 + age))
    size = (folder / f"{keys[0]}.o").stat().st_size
    assert cache.load(keys[0]) == CODE  # now the one used last
    monkeypatch.setattr(cache, "_MOST_BYTES", 3 * size)
    cache.save(keys[4], CODE)
    kept = [key for key in keys if cache.load(key) is not None]
    assert kept == [keys[0], keys[3], keys[4]]


def test_what_a_killed_process_left_half_written_is_removed(folder: Path) -> None:
    folder.mkdir()
    old, new = folder / "old.part", folder / "new.part"
    for each in (old, new):
        each.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    cache.save(cache.key_of("a"), CODE)
    assert not old.exists()
    assert new.exists()  # somebody may still be writing it
