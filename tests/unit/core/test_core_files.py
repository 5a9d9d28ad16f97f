"""Files are whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from modelcar_tui.core.files import fresh_folder, private_folder, write_atomic, write_private
from support.ordinary import ordinary_user


def test_modes(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_atomic(tmp_path / "new", b"x")
        write_private(tmp_path / "private", b"x")
        write_atomic(tmp_path / "given", b"x", mode=0o604)
    finally:
        os.umask(old)
    (tmp_path / "kept").write_bytes(b"x")
    (tmp_path / "kept").chmod(0o664)
    write_atomic(tmp_path / "kept", b"y")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert modes == {"new": "0o640", "private": "0o600", "given": "0o604", "kept": "0o664"}
    assert (private_folder(tmp_path / "a" / "b").stat().st_mode & 0o777) == 0o700


def test_a_private_file_is_never_readable_by_others_meanwhile(tmp_path: Path) -> None:
    """Even over a world-readable file of the same name."""
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_reader_sees_the_old_or_the_new_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    versions = [bytes([letter]) * 200_000 for letter in b"abcdefgh"]
    write_atomic(path, versions[0])
    seen: set[bytes] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for version in versions * 5:
        write_atomic(path, version)
    stop.set()
    reader.join()
    assert seen
    assert seen <= set(versions)


def test_a_read_only_folder_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "ro"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    folder.chmod(0o555)
    with ordinary_user(folder), pytest.raises(PermissionError):
        write_atomic(folder / "file", b"new")
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("file", b"old")]


def test_a_missing_folder_and_a_folder_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "no" / "file", b"x")
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError):
        write_atomic(tmp_path / "file", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from modelcar_tui.core.files import write_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomic(Path(sys.argv[1]), b"n" * 100_000)
except OSError as error:
    print(type(error).__name__, error.errno)
"""


def test_a_write_that_stops_half_way_leaves_the_old_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, check=True)
    assert done.stdout.startswith(b"OSError")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("file", b"old")]


FULL = """
import sys
from pathlib import Path
from modelcar_tui.core.files import write_atomic
path = Path(sys.argv[1])
path.write_bytes(b"old")
try:
    write_atomic(path, b"n" * 1_000_000)
except OSError as error:
    print(type(error).__name__, error.errno, path.read_bytes(), [p.name for p in path.parent.iterdir()])
"""


def test_a_full_disk_leaves_the_old_bytes(tmp_path: Path) -> None:
    """A file system of 64 KiB in a mount namespace of its own."""
    script = f"mount -t tmpfs -o size=64k none {tmp_path} && exec {sys.executable} - {tmp_path}/file"
    try:
        done = subprocess.run(
            ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
            input=FULL.encode(),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("no unshare program; the file size limit above stands in for it")
    if b"mount" in done.stderr or b"unshare" in done.stderr:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.decode().strip()}")
    assert done.stdout.decode().strip() == "OSError 28 b'old' ['file']"


KILLED = """
import os, sys
from pathlib import Path
from modelcar_tui.core import files
os.fsync = lambda handle: os._exit(9)
files.write_atomic(Path(sys.argv[1]), b"new")
"""


def test_a_death_in_the_middle_leaves_the_old_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == 9
    assert path.read_bytes() == b"old"


def test_a_long_name_is_written(tmp_path: Path) -> None:
    """The temporary file's name must not be longer than the file system allows."""
    path = tmp_path / ("x" * 250)
    write_atomic(path, b"x")
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_folders_of_ours_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        made = fresh_folder(private_folder(tmp_path / "state" / "modelcar-tui") / "runs", "run")
    finally:
        os.umask(before)
    for folder in (made, *made.parents[:3]):
        assert folder.stat().st_mode & 0o7777 == 0o700
