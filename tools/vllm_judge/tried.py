"""Tries of small models one after the other: each against a plain server, and what of it is kept.

`tests/data/vllm/tries/RELEASE.yaml` has a row for each: what was tried, what a try said of it (`told`), the
lines of vLLM's log that say so, shortened, and the error that stands in these: a kill leaves no word
there. The tests read those lines again.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from modelcar_tui.core.errors import UserError
from modelcar_tui.vllm import StartupLog
from vllm_judge import apart, serve, small_models
from vllm_judge.ends import DIES, ENDS, End, arguments, meant, model_files
from vllm_judge.source import HOME
from vllm_judge.tries import Tried, told, try_model

DATA = Path(__file__).parents[2] / "tests" / "data" / "vllm" / "tries"
_SAME = ("kv_tokens", "max_model_len", "concurrency")
"""Figures that two starts of one model share; seconds they don't."""
_NOISE = re.compile(
    r"Route: |leaked|nanobind|^ {4}|^ +\^|^$|^usage:|^ {2,}(--|\[)|, line \d+, in |api_utils\.py:\d+\] *$"
    r"|\^\^\^|\[shutdown\]|warnings\.warn|resource_tracker|█|Triton is|wrapper = |hasattr|torch\.distributed"
)
"""Lines that say nothing of how a start ends: routes, frames of a traceback, a parser's usage."""
_USAGE = 2
"""Exit status of a parser that refuses an argument: its words come before any that names the release."""
_LONGEST = 600
_PLACES = re.compile(
    r"/[\w.+-]+(?:/[\w.+-]+)*/volumes/[\w-]+(?:/[\w.-]+)*|/tmp/[\w./-]+|/(?:work|root|home)/[\w./+-]+"
    rf"|{re.escape(str(HOME))}[\w./+-]*"
)
"""Folders of this machine: pods' volumes, packages, temporary ones."""
_MODEL = "/mnt/models"
_RELEASE = re.compile(r"version \d+\.\d+")


def run(release: str, kinds: str, ends: str, *, record: bool, alone: bool, keep: Path | None) -> int:
    """Try all that is asked for; 1 where one comes out otherwise than meant. Such a one is not recorded."""
    # A terminated judge ends its servers as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    apart.without_network()
    wrong = 0
    for kind in kinds.split(",") if kinds else small_models.KINDS:
        for word in ends.split(",") if ends else ENDS:
            end = ENDS[word]
            if end.skips(kind):
                continue
            began = time.monotonic()
            try:
                one = try_model(release, kind, end)
            except UserError as error:
                wrong += not _refused(release, kind, word, told(error), record=record)
                continue
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{release}-{kind}-{word}.log").write_bytes(one.log)
            found = faults(release, kind, end, one, alone=alone)
            row = _row(kind, word, one)
            wrong += bool(found)
            if record and not found:
                _check(row)
                _write(release, "tries", row)
            said = "; ".join(found) and "WRONG: " + "; ".join(found)
            seconds = time.monotonic() - began
            print(
                f"{release} {kind} {word}: {row['outcome']}: {said or 'as meant'} ({seconds:.0f} s)",
                flush=True,
            )
    return 1 if wrong else 0


def _refused(release: str, kind: str, word: str, why: str, *, record: bool) -> bool:
    """Tell that nothing could be made of a try; whether that was meant."""
    wanted = ENDS[word].refused.get(kind)
    right = wanted is not None and wanted in why
    print(f"{release} {kind} {word}: {'as meant' if right else 'WRONG'}: {why}", flush=True)
    if right and record:
        _write(release, "refused_beforehand", {"kind": kind, "end": word, "told": why})
    return right


def faults(release: str, kind: str, end: End, one: Tried, *, alone: bool) -> list[str]:
    """What of a try is not as it must be."""
    found = [f"left: {', '.join(one.left)}"] if one.left else []
    found += [f"not removed: {', '.join(one.end.left)}"] if one.end.left else []
    measured = one.end.measured
    if kind in end.refused:
        found.append("it was not refused beforehand")
    if measured is None:
        return [*found, f"nothing was measured: {one.end.problem}"]
    right = meant(release, kind, end)
    if measured.outcome not in right:
        found.append(f"it ended as {measured.outcome}, not as {' or '.join(right)}: {measured.error}")
    if right != end.outcomes and DIES[release, kind] not in one.log:
        found.append("it died of something else than a plain server does")
    if measured.vllm != release and (measured.vllm or one.exit_status != _USAGE):
        found.append(f"the release is {measured.vllm!r}")
    if "starts" in right and not alone:
        plain = _plain(release, kind, end)
        for name in _SAME:
            if plain.get(name) != measured.figures.get(name):
                found.append(
                    f"{name} is {measured.figures.get(name)}, and {plain.get(name)} of a plain server"
                )
    return found


def _plain(release: str, kind: str, end: End) -> dict[str, Any]:
    """What a plain server of the same model logs, by the names of `vllm.Figure.what`."""
    with tempfile.TemporaryDirectory() as folder:
        model = small_models.write(model_files(kind, end), Path(folder) / "model")
        log = Path(folder) / "log"
        args, gib = [*arguments(kind, end)], end.kv_gib
        found = serve.start(release, model, args, log=log, kv_gib=gib, seconds=300, tokenizer=not end.large)
    if "context" in found:
        found["max_model_len"] = found.pop("context")
    return found


def _row(kind: str, word: str, one: Tried) -> dict[str, Any]:
    measured = one.end.measured
    return {
        "kind": kind,
        "end": word,
        "outcome": measured.outcome if measured else "",
        "told": _PLACES.sub(_MODEL, measured.error) if measured else "",
        "error": "",
        "figures": measured.figures if measured else {},
        "exit_status": one.exit_status,
        "left": [*one.left, *one.end.left],
        "lines": shortened(one.log),
    }


def shortened(log: bytes) -> list[str]:
    """The lines of a log that say how the start went, without this machine's paths."""
    lines = [_PLACES.sub(_MODEL, line) for line in log.decode("utf-8", "replace").splitlines()]
    kept = [line[:_LONGEST] for line in lines if _RELEASE.search(line) or not _NOISE.search(line)]
    return list(dict.fromkeys(kept))


def _check(row: dict[str, Any]) -> None:
    """Give the row the error that stands in its lines.

    Raises:
        SystemExit: its shortened lines say something else than all of them did.
    """
    outcome, error, figures = said = read_again(row)
    if (outcome, figures) != (row["outcome"], row["figures"]) or error not in ("", row["told"]):
        raise SystemExit(f"{row['kind']} {row['end']}: its shortened log says {said}; nothing was written")
    row["error"] = error


def _write(release: str, where: str, row: dict[str, Any]) -> None:
    """Keep the row beside those of other kinds and ends; a second judge may do so at the same time."""
    DATA.mkdir(parents=True, exist_ok=True)
    folder = os.open(DATA, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        _merge(release, where, row)
    finally:
        os.close(folder)


def _merge(release: str, where: str, row: dict[str, Any]) -> None:
    path = DATA / f"{release}.yaml"
    kept = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}
    rows = [one for one in kept.get(where, ()) if (one["kind"], one["end"]) != (row["kind"], row["end"])]
    kinds, ends = [*small_models.KINDS], [*ENDS]
    rows = sorted([*rows, row], key=lambda one: (kinds.index(one["kind"]), ends.index(one["end"])))
    whole = {"release": release, "no_such_end": _never(), "refused_beforehand": [], "tries": []}
    whole |= {name: kept[name] for name in ("refused_beforehand", "tries") if name in kept} | {where: rows}
    path.write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=1000), "utf-8")


def _never() -> list[dict[str, str]]:
    """The ends that a kind of model can't come to."""
    return [
        {"kind": kind, "end": word, "why": why}
        for word, end in ENDS.items()
        for kind, why in end.without.items()
    ]


def read_again(row: dict[str, Any]) -> tuple[str, str, dict[str, float]]:
    """Outcome, error and figures by the row's own lines."""
    log = StartupLog()
    for line in row["lines"]:
        log.feed(line)
    end = log.end(healthy=row["outcome"] == "starts", exit_status=row["exit_status"])
    return end.outcome, end.error, dict(log.figures)
