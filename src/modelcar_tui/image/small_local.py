"""The small files of a model that lies in a folder of this machine."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import expanded, open_regular
from modelcar_tui.core.text import clean
from modelcar_tui.image.files.found import WEIGHTS
from modelcar_tui.image.files.gathering import FIX, Gathering, too_much
from modelcar_tui.image.files.small import Need, is_early, need_of
from modelcar_tui.image.types import SmallFiles

_MOST_ENTRIES = 20_000


def read_folder(source: str, budget: int) -> SmallFiles:
    """The small files of a model folder, or a `config.json` alone.

    Raises:
        UserError: there is no folder, no config.json in it, or it can't be read.
    """
    path = expanded(source)
    try:
        single = path.suffix == ".json" and path.is_file()
        found = {"config.json": path} if single else _listed(path)
        folder = path.resolve().parent if single else path.resolve()
        weights = () if single else _weights(path)
    except OSError as error:
        raise _error(path, f"can't be read: {error.strerror}") from None
    gathering = Gathering(budget)
    for early in (True, False):
        _round(found, folder, gathering, early=early)
    files = gathering.files()
    if not any(need_of(name) is Need.CONFIG for name in files):
        told = next((f"{name} {why}" for name, why in gathering.left_out()), "has no config.json")
        raise _error(path, told)
    read = sum(map(len, files.values()))
    return SmallFiles(files=files, left_out=gathering.left_out(), weights=weights, bytes_read=read)


def _round(found: dict[str, Path], folder: Path, gathering: Gathering, *, early: bool) -> None:
    sizes = {}
    for name, path in found.items():
        if not early or is_early(name):
            try:
                size = path.stat().st_size
            except OSError as error:
                gathering.leave({name: f"can't be read: {error.strerror}"})
                continue
            sizes[name] = (size, size)
    for name in gathering.choose(sizes, gathering.room):
        data = _read(found[name], folder, gathering.most_of(name))
        if isinstance(data, bytes):
            gathering.keep(name, data)
        else:
            gathering.leave({name: data})


def _read(path: Path, folder: Path, most: int) -> bytes | str:
    """The file's bytes, or why they are not read; nothing outside the model's own folders is."""
    try:
        real = path.resolve(strict=True)
        if not _is_inside(real, folder):
            return "is a link that leads out of the folder"
        with os.fdopen(open_regular(real, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            raw = file.read(most + 1)
    except (OSError, RuntimeError) as error:
        return f"can't be read: {getattr(error, 'strerror', None) or 'its links lead in a circle'}"
    return raw if len(raw) <= most else too_much(len(raw), most)


def _is_inside(real: Path, folder: Path) -> bool:
    """Below the folder, or where Hugging Face's cache keeps the files of a snapshot."""
    if real.is_relative_to(folder):
        return True
    return folder.parent.name == "snapshots" and real.is_relative_to(folder.parent.parent / "blobs")


def _listed(path: Path) -> dict[str, Path]:
    """The wanted files of the folder, and of those below it whose names are known."""
    found: dict[str, Path] = {}
    with os.scandir(path) as entries:
        for entry in islice(entries, _MOST_ENTRIES):
            if need_of(entry.name) is not None:
                found[entry.name] = Path(entry.path)
            elif need_of(f"{entry.name}/config.json") is not None:
                below = Path(entry.path) / "config.json"
                found |= {f"{entry.name}/config.json": below} if below.is_file() else {}
            elif need_of(f"{entry.name}/x.jinja") is not None and entry.is_dir():
                names = _names(Path(entry.path))
                found |= {f"{entry.name}/{name}": Path(entry.path) / name for name in names}
    return {name: found[name] for name in sorted(found) if need_of(name) is not None}


def _weights(path: Path) -> tuple[str, ...]:
    return tuple(clean(name, limit=300) for name in _names(path) if name.endswith(WEIGHTS))


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in islice(folder.iterdir(), _MOST_ENTRIES))


def _error(path: Path, what: str) -> UserError:
    return UserError(Problem(what=what, where=clean(str(path)), fix=FIX, code="no-model-files"))
