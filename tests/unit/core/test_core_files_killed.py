"""A writer that is killed leaves no temporary file, or one that the next writer of that name removes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from modelcar_tui.core import files
from modelcar_tui.core.files import write_atomic


def killed_at(step: str, path: Path, *, new: bool) -> None:
    """A child that dies before a step of its write."""
    child = os.fork()
    if not child:
        setattr(os, step, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        write_atomic(path, b"theirs", new=new)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.parametrize(
    ("step", "new"), [("fsync", True), ("fsync", False), ("link", True), ("link", False)]
)
def test_a_file_without_a_name_goes_with_its_writer(tmp_path: Path, step: str, new: bool) -> None:
    killed_at(step, tmp_path / "a.yaml", new=new)
    assert list(tmp_path.iterdir()) == []


def test_one_with_a_name_is_removed_by_the_next_writer_and_nothing_else_is(tmp_path: Path) -> None:
    path, own = tmp_path / "a.yaml", tmp_path / ".a.yaml.backup12"
    own.write_text("the operator's")
    path.write_bytes(b"old")
    killed_at("replace", path, new=False)
    (left,) = (one for one in tmp_path.iterdir() if one not in (path, own))
    assert path.read_bytes() == b"old" and left.read_bytes() == b"theirs"
    write_atomic(path, b"ours")
    assert sorted(tmp_path.iterdir()) == [own, path]
    assert path.read_bytes() == b"ours"


def test_a_live_writers_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    handle, _ = files._temporary(path)
    name = Path(files._named(handle, path))
    write_atomic(path, b"ours")
    assert name.exists()
    os.close(handle)
    write_atomic(path, b"ours")
    assert [one.name for one in tmp_path.iterdir()] == ["a.yaml"]


def test_a_file_system_without_them_still_writes_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    for new, data in ((True, b"one"), (False, b"two")):
        write_atomic(tmp_path / "a.yaml", data, new=new)
    with pytest.raises(FileExistsError):
        write_atomic(tmp_path / "a.yaml", b"three", new=True)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a.yaml", b"two")]
