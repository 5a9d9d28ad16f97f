"""The operator's own measurements: starts of vLLM that were measured, one JSON file each."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import platformdirs

from modelcar_tui.core.decode import decode
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import open_regular, private_folder, write_atomic
from modelcar_tui.core.text import clean, reveal
from modelcar_tui.models import MeasuredStart, ModelFacts, architecture_of, model_fingerprint

VARIABLE = "MODELCAR_TUI_DATA_DIR"
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,62}")
_LARGEST = 1024 * 1024
_DAY = 86400.0
_OF_ONE = 100
"""Starts of one model that an estimate looks through, the newest."""
_WORD = re.compile(r"[\w.+-]{1,80}|re:[\w.*+?^$|()\[\]\\-]{1,100}")
"""A text of a config.json that names a kind of something or modules of the model, never a place."""
_DEEPEST, _MOST = 6, 512
_OTHER = f"give another folder: {VARIABLE}=FOLDER"


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file: a start, and what of its model an export tells."""

    start: MeasuredStart
    arch: str = ""
    config: dict[str, Any] = {}
    """Of config.json what is a number, a switch or the name of a kind."""
    parameters: int | None = None
    quantization: str = ""
    """In a word: `fp8`, `w4a16`."""


class _Whose(msgspec.Struct, frozen=True):
    id: str
    fingerprint: str
    at: float


class _Glance(msgspec.Struct, frozen=True):
    """Of a file what tells whose it is."""

    start: _Whose


_T = TypeVar("_T", Kept, _Glance)
_Index = tuple[dict[str, list[_Whose]], tuple[Problem, ...]]
"""By fingerprint, newest first, and of the files that can't be read one problem each."""


class Measurements:
    """The starts in a folder, by default the user's own. Two processes may use it at once: a file is whole or
    not there."""

    def __init__(self, folder: Path | None = None) -> None:
        """Of `folder`; nothing is made before something is kept."""
        self.folder = default_folder() if folder is None else folder
        self.broken: tuple[Problem, ...] = ()
        """Of the files that were looked at last, one problem for each that can't be read."""
        self._index: tuple[int, _Index] | None = None
        """As the folder was at that time (ns): a hundred models are asked about in a row."""

    def all(self) -> tuple[MeasuredStart, ...]:
        """Every start that can be read, newest first.

        Raises:
            UserError: the folder can't be read.
        """
        return tuple(kept.start for kept in self.look()[0])

    def of(self, facts: ModelFacts) -> tuple[MeasuredStart, ...]:
        """Those of this very model, newest first, at most 100; none where it has no config.json.

        Raises:
            UserError: the folder can't be read.
        """
        fingerprint = model_fingerprint(facts)
        self.broken = ()
        if not fingerprint:
            return ()
        whose, problems = self._looked_up()
        names = [one.id for one in whose.get(fingerprint, ())[:_OF_ONE]]
        found, unread = self._read(names)
        self.broken = (*problems, *unread)
        return tuple(kept.start for kept in found if kept.start.fingerprint == fingerprint)

    def with_starts(self, facts: ModelFacts) -> tuple[ModelFacts, tuple[Problem, ...]]:
        """The facts with the starts of this very model, and what of them can't be read; never raises."""
        try:
            starts = self.of(facts)
        except UserError as error:
            return facts, error.problems
        return (msgspec.structs.replace(facts, measured=starts) if starts else facts), self.broken

    def look(self) -> tuple[tuple[Kept, ...], tuple[Problem, ...]]:
        """What is kept, newest first, and one problem for each file that is none of ours or is broken.

        Raises:
            UserError: the folder can't be read.
        """
        found, self.broken = self._read(self._names())
        return found, self.broken

    def _read(self, names: Iterable[str]) -> tuple[tuple[Kept, ...], tuple[Problem, ...]]:
        found, problems = self._each(names, Kept)
        found.sort(key=lambda kept: (_when(kept.start.at), kept.start.id), reverse=True)
        cleaned = (msgspec.structs.replace(kept, start=_dated(_cleaned(kept.start))) for kept in found)
        return tuple(cleaned), problems

    def _looked_up(self) -> _Index:
        try:
            now = self.folder.stat().st_mtime_ns
        except OSError:
            now = 0  # `_names` says why
        if self._index is None or self._index[0] != now:
            whose: dict[str, list[_Whose]] = {}
            found, problems = self._each(self._names(), _Glance)
            for one in sorted(
                (one.start for one in found), key=lambda one: (_when(one.at), one.id), reverse=True
            ):
                whose.setdefault(one.fingerprint, []).append(one)
            self._index = now, (whose, problems)
        return self._index[1]

    def _each(self, names: Iterable[str], kind: type[_T]) -> tuple[list[_T], tuple[Problem, ...]]:
        found, problems = [], []
        for name in names:
            try:
                found.append(_read(self.folder / f"{name}.json", name, kind))
            except FileNotFoundError:  # forgotten meanwhile
                continue
            except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
                problems.append(self._broken(name, error))
        return found, tuple(problems)

    def add(self, start: MeasuredStart, facts: ModelFacts | None = None) -> None:
        """Keep one.

        Args:
            start: with an id that nothing here has.
            facts: of its model, for an export.

        Raises:
            UserError: the folder can't be written, or has that id.
        """
        if _ID.fullmatch(start.id) is None:
            raise UserError(Problem(where=clean(start.id, limit=80), what="is no id of a measurement"))
        path = self.folder / f"{start.id}.json"
        data = msgspec.json.format(msgspec.json.encode(_kept(start, facts)), indent=2) + b"\n"
        try:
            private_folder(self.folder)
            self._index = None  # a clock may be too coarse to tell the folder's change
            write_atomic(path, data, mode=0o600, new=True)
        except FileExistsError:
            what = "is there already, and is not replaced"
            raise UserError(Problem(where=reveal(str(path)), what=what)) from None
        except OSError as error:
            what = f"the measurement can't be kept ({error.strerror or 'no reason is told'})"
            raise UserError(Problem(where=reveal(str(self.folder)), what=what, fix=_OTHER)) from None

    def forget(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Delete the files of these ids alone, broken ones too; those that were there.

        Raises:
            UserError: one can't be deleted.
        """
        gone, self._index = [], None
        for name in dict.fromkeys(ids):
            path = self.folder / f"{name}.json"
            if _ID.fullmatch(name) is None:
                continue
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                what = f"can't be deleted ({error.strerror or 'no reason is told'})"
                raise UserError(Problem(where=reveal(str(path)), what=what)) from None
            gone.append(name)
        return tuple(gone)

    def ids(self) -> frozenset[str]:
        """The ids that are taken, of broken files too.

        Raises:
            UserError: the folder can't be read.
        """
        return frozenset(self._names())

    def _names(self) -> Iterator[str]:
        try:
            with os.scandir(self.folder) as entries:
                names = [entry.name for entry in entries]
        except FileNotFoundError:
            return
        except OSError as error:
            what = f"the measurements can't be read ({error.strerror or 'no reason is told'})"
            raise UserError(Problem(where=reveal(str(self.folder)), what=what, fix=_OTHER)) from None
        for name in sorted(names):
            stem, dot, ending = name.rpartition(".")
            if dot and ending == "json" and _ID.fullmatch(stem):
                yield stem

    def _broken(self, name: str, error: Exception) -> Problem:
        why = "it is none of ours, or is broken"
        if isinstance(error, OSError):
            why = error.strerror or "no reason is told"
        return Problem(
            where=reveal(str(self.folder / f"{name}.json")),
            what=f"this measurement can't be read ({why})",
            fix=f"agent measurements forget {name}",
            code="measurement-unread",
        )


def default_folder() -> Path:
    """`measurements` in the user's data folder."""
    named = os.environ.get(VARIABLE)
    return (Path(named) if named else platformdirs.user_data_path("modelcar-tui")) / "measurements"


def _read(path: Path, name: str, kind: type[_T]) -> _T:
    """One file, or a glance at it.

    Raises:
        OSError, ValueError, msgspec.MsgspecError: it can't be read.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("larger than 1 MiB")
    kept = decode(data, kind)
    if kept.start.id != name:
        raise ValueError("another id")
    return kept


def _when(at: float) -> float:
    """Of a day that is still to come nobody knows which it was: a wrong clock's start is no newest one."""
    return at if 0 < at <= time.time() + _DAY else 0.0


def _dated(start: MeasuredStart) -> MeasuredStart:
    return msgspec.structs.replace(start, at=_when(start.at))


def _cleaned(start: MeasuredStart) -> MeasuredStart:
    """The same with texts that may be shown: anybody may have edited the file."""
    return msgspec.structs.replace(
        start,
        model=clean(start.model, limit=200),
        gpu=clean(start.gpu, limit=200),
        vllm=clean(start.vllm, limit=60),
        runtime_digest=clean(start.runtime_digest, limit=100),
        args=tuple(clean(word) for word in start.args),
        environment=tuple((clean(name, limit=100), clean(value)) for name, value in start.environment),
        outcome=clean(start.outcome, limit=40),
        error=clean(start.error, limit=500),
        predicted=clean(start.predicted, limit=40),
        figures=_figures(start.figures),
        predicted_figures=_figures(start.predicted_figures),
    )


def _figures(told: Mapping[str, float]) -> dict[str, float]:
    return {clean(name, limit=40): value for name, value in told.items()}


def _kept(start: MeasuredStart, facts: ModelFacts | None) -> Kept:
    start = _cleaned(start)
    if facts is None or facts.config is None:
        return Kept(start=start)
    config = _sizes(facts.config, _DEEPEST)
    if facts.quantization is not None and "quantization_config" not in config:
        config["quantization_config"] = _sizes(facts.quantization, _DEEPEST)
    with suppress(ValueError, TypeError, OverflowError, RecursionError):
        if len(msgspec.json.encode(config)) > _LARGEST // 2:
            config = {}
    return Kept(
        start=start,
        arch=clean(architecture_of(facts.config), limit=100),
        config=config,
        parameters=facts.parameters.value,
        quantization=clean(facts.quantization_name.value or "", limit=60),
    )


def _sizes(told: Mapping[str, Any], deep: int) -> dict[str, Any]:
    """What is a number, a switch or the name of a kind; no path, address or sentence."""
    found: dict[str, Any] = {}
    for key, value in list(told.items())[:_MOST]:
        if not isinstance(key, str) or key.startswith("_") or not _WORD.fullmatch(key):
            continue
        kept = _size(value, deep)
        if kept is not None:
            found[key] = kept
    return found


def _size(value: Any, deep: int) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) and clean(value) == value else None
    if isinstance(value, Mapping):
        return _sizes(value, deep - 1) if deep else None
    if isinstance(value, list) and deep and len(value) <= _MOST:
        items = [_size(item, deep - 1) for item in value]
        return items if None not in items else None
    return None
