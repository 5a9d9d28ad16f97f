"""What a run has made that can be taken away: the generated manifest, its patch, the report."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.files import open_regular
from modelcar_tui.manifest import target_path
from modelcar_tui.report import FORMS, render
from modelcar_tui.supervisor import fold, retold, settings_of_run
from modelcar_tui.web.sessions import Run

_MOST = 8 << 20
_NEWEST = 200
"""Run folders that are looked through for that of a manifest."""


def results(run: Run, runs: Path) -> dict[str, str]:
    """What there is, by the last part of its address: the name under which it is kept by the browser."""
    names = {
        what: path.name for what, path in _files(run).items() if path.is_file() and not path.is_symlink()
    }
    if run_folder(run, runs) is not None:
        stem = run.manifest.stem.removesuffix(".base")
        names |= {f"report.{form}": f"{stem}.report.{form}" for form in FORMS}
    return names


def result(run: Run, runs: Path, what: str) -> tuple[str, bytes] | None:
    """One of `results`, with its name; None where there is none."""
    name = results(run, runs).get(what)
    if name is None:
        return None
    folder = run_folder(run, runs)
    with suppress(OSError, ValueError, UserError):
        if what in _files(run):
            return name, _read(_files(run)[what])
        if folder is not None:
            return name, render(fold(retold(folder)), what.removeprefix("report."))
    return None


def run_folder(run: Run, runs: Path) -> Path | None:
    """The run's own folder, found by its manifest, which no other run has; None before it is made."""
    if run.folder is None:
        with suppress(OSError):
            newest = sorted((path for path in runs.iterdir() if path.is_dir()), reverse=True)[:_NEWEST]
            run.folder = next(filter(lambda path: _is_of(path, run), newest), None)
    return run.folder


def _is_of(folder: Path, run: Run) -> bool:
    settings = settings_of_run(folder)
    return settings is not None and settings.manifest == str(run.manifest)


def _files(run: Run) -> dict[str, Path]:
    target = target_path(run.manifest)
    return {"generated": target, "patch": target.with_name(f"{target.name}.patch")}


def _read(path: Path) -> bytes:
    with os.fdopen(open_regular(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read(_MOST)
