"""No temporary file stays: not of a process that is killed inside a write, once somebody has come back."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcar_tui.core import files
from modelcar_tui.core.files import sweep_remnants, write_atomic

STEPS = ("fsync", "fchmod", "link", "rename")
MADE = {
    (True, True): ("fsync", "fchmod", "link"),
    (True, False): STEPS,
    (False, True): ("fsync", "fchmod", "link"),
    (False, False): ("fsync", "fchmod", "rename"),
}
"""The steps of a write, by whether its file has no name at first, and whether it is a new one."""


def killed(path: Path, step: str, *, after: bool, new: bool, unnamed: bool) -> int:
    """A write in a fork that kills itself at a step; the signal that ended it, 0 where it got through."""
    child = os.fork()
    if not child:
        module, name = (Path, "replace") if step == "rename" else (os, step)
        real: Callable[..., object] = getattr(module, name)

        def deadly(*args: object, **how: object) -> object:
            if not after:
                os.kill(os.getpid(), signal.SIGKILL)
            done = real(*args, **how)
            os.kill(os.getpid(), signal.SIGKILL)
            return done

        setattr(module, name, deadly)
        if not unnamed:
            files._linkable = lambda _: False
        try:
            write_atomic(path, b"new", new=new)
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "named"])
@pytest.mark.parametrize("new", [True, False], ids=["new", "replaced"])
@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step_of_a_write_nothing_stays(
    step: str, after: bool, new: bool, unnamed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.generated.yaml"
    if not new:
        path.write_bytes(b"old")
    ended = killed(path, step, after=after, new=new, unnamed=unnamed)
    assert ended == (signal.SIGKILL if step in MADE[unnamed, new] else 0)
    if path.exists():
        assert path.read_bytes() in (b"old", b"new")
    left = {one.name for one in tmp_path.iterdir()} - {path.name}
    assert len(left) <= (not unnamed or step in ("link", "rename"))
    sweep_remnants(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} <= {path.name}


def test_what_is_being_written_and_what_others_have_made_stays(tmp_path: Path) -> None:
    def look() -> None:
        sweep_remnants(tmp_path)

    others = (
        ".a.generated.yaml.Xy12Ab34",
        ".a.generated.yaml.swp",
        "x.modelcar-tui.tmp",
        ".x.modelcar-tui.tmp~",
    )
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / ".link.modelcar-tui.tmp").symlink_to(tmp_path / others[0])
    (tmp_path / ".folder.modelcar-tui.tmp").mkdir()
    os.mkfifo(tmp_path / ".pipe.modelcar-tui.tmp")
    before = {one.name for one in tmp_path.iterdir()}
    held = tmp_path / ".held.modelcar-tui.tmp"
    with held.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write_atomic(tmp_path / "a", b"x", last_look=look)
        assert {one.name for one in tmp_path.iterdir()} == before | {"a", held.name}
    sweep_remnants(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == before | {"a"}


@pytest.mark.parametrize("new", [True, False])
def test_where_no_file_without_a_name_can_be_made_it_has_one(
    new: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refused(path: object, flags: int, *more: object, **how: object) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not here")
        return real(path, flags, *more, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refused)
    path = tmp_path / "a"
    write_atomic(path, b"one", new=new)
    if new:
        with pytest.raises(FileExistsError):
            write_atomic(path, b"two", new=True)
    else:
        write_atomic(path, b"one")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a", b"one")]
