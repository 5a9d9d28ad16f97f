"""What a killed and resumed run came to, beside an undisturbed one."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.journal import Unread, read_journal
from modelcar_tui.supervisor.runs import JOURNAL, SETTINGS
from modelcar_tui.supervisor.state import fold

ONCE = (e.ApprovalGiven, e.ConsentGiven, e.ManifestWritten, e.ManifestKept)
"""As often as undisturbed, wherever it was killed; a request without an answer may be made again."""
_DATABASE = ("checkpoint.sqlite-wal", "checkpoint.sqlite-shm")
"""SQLite's own, beside the checkpoint of a run that was killed behind its end and not opened again."""
_WORDS = (
    "seq now started ended at began seconds finished since asks_since waited read_at observed_at taken age_s"
    " looked_at updated elapsed first_at last_at model_since phase_since pods_at free_at silent nodes_at"
    " request_id plan_digest digest bytes_read window_s"
)
OF_TIME = frozenset(_WORDS.split())
"""Fields whose values another run has otherwise: a resumed one finds images in its cache."""
_STAMP = re.compile(
    r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d[^" ]*)?|\d{8}-\d{6}-[0-9a-f]{6}'
    r"|\b127\.0\.0\.1:\d+|\b\d\d:\d\d:\d\d\b"
)


class Came(NamedTuple):
    """What stands when a run is over."""

    status: int
    state: dict[str, Any]
    counts: Counter[str]
    files: dict[str, bytes]
    """Of all files: their bytes, but only names of those whose bytes differ from run to run."""
    finish: tuple[int, str]


def runs_in(rooms: Path) -> list[Path]:
    """The run folders."""
    found = (rooms / "state" / "runs").glob("*")
    return sorted(path for path in found if path.is_dir() and not path.name.startswith("."))


def counted(run: Path) -> Counter[str]:
    """How often each kind of event is in a journal."""
    path = run / JOURNAL
    return Counter(type(one.event).__name__ for one in read_journal(path)) if path.exists() else Counter()


def came(status: int, rooms: Path) -> Came:
    """Read what a run left."""
    run = next((run for run in reversed(runs_in(rooms)) if (run / SETTINGS).exists()), None)
    if run is None:
        return Came(status, {}, Counter(), _files(rooms, ""), (status, ""))
    unread: list[Unread] = []
    state = fold(read_journal(run / JOURNAL, unread=unread))
    if unread:
        raise ValueError(f"lines of the journal can't be read: {unread}")
    told = json.loads(msgspec.json.encode(state))
    finish = state.finish
    end = (int(finish.exit_status), str(finish.verdict)) if finish is not None else (-1, "no end")
    return Came(status, _scrubbed(told, str(rooms)), counted(run), _files(rooms, run.name), end)


def _scrubbed(value: Any, rooms: str) -> Any:
    if isinstance(value, dict):
        return {key: _scrubbed(one, rooms) for key, one in value.items() if key not in OF_TIME}
    if isinstance(value, list):
        return [_scrubbed(one, rooms) for one in value]
    if isinstance(value, str):
        return _STAMP.sub("T", value.replace(rooms, "ROOMS"))
    return round(value, 6) if isinstance(value, float) else value


def _files(rooms: Path, run: str) -> dict[str, bytes]:
    found = {}
    for path in sorted(rooms.rglob("*")):
        name = _STAMP.sub("T", str(path.relative_to(rooms)).replace(run or "\0", "RUN"))
        ours = not name.startswith(("cache/", "out")) and not name.endswith(_DATABASE)
        if path.is_file() and ours:
            found[name] = path.read_bytes() if name.endswith((".yaml", ".patch")) else b""
    return found


def differences(got: Came, plain: Came) -> list[str]:
    """What is not as undisturbed; empty where all is."""
    wrong = []
    if got.status != plain.status:
        wrong.append(f"status {got.status}, not {plain.status}")
    if got.finish != plain.finish:
        wrong.append(f"ended with {got.finish}, not {plain.finish}")
    for kind in ONCE:
        name = kind.__name__
        if got.counts[name] != plain.counts[name]:
            wrong.append(f"{name} {got.counts[name]} times, not {plain.counts[name]}")
    wrong += [f"state: {line}" for line in _unlike(got.state, plain.state, "")][:6]
    for name in sorted(got.files.keys() | plain.files.keys()):
        if name not in got.files:
            wrong.append(f"no file {name}")
        elif name not in plain.files:
            wrong.append(f"left behind: {name}")
        elif got.files[name] != plain.files[name] and "settings" not in name:
            wrong.append(f"{name} differs")
    return wrong


def _unlike(got: Any, plain: Any, where: str) -> list[str]:
    """The innermost places that differ."""
    if isinstance(got, dict) and isinstance(plain, dict):
        return [
            line
            for key in sorted(got.keys() | plain.keys())
            for line in _unlike(got.get(key), plain.get(key), f"{where}.{key}")
        ]
    if isinstance(got, list) and isinstance(plain, list) and len(got) == len(plain):
        pairs = enumerate(zip(got, plain, strict=True))
        return [line for number, (a, b) in pairs for line in _unlike(a, b, f"{where}[{number}]")]
    return [] if got == plain else [f"{where} is {str(got)[:120]}, not {str(plain)[:120]}"]
