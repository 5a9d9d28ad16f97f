"""A fixture cut into parts, from which stand-ins and the demo's recordings are put together.

`opening` is what comes before the first model, `setup` what the first model alone sees (the class's objects),
`models` what each one writes from its node id on, `deleting` how the object of a model goes whose set-up did
not fail, `closing` the tear-down after the last one, and `errors` and `summary` what stands at the end about
each failed one; `runs` are whole runs that end before the first model. In the texts stand `{model}` (the
manifest's name), `{object}` (the suite's name for it), `{mode}`, `{namespace}`, `{runtime}`, `{stamp}` and
`{progress}`.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from modelcar_tui.qa.watch_models import service_name

FIXTURES = Path(__file__).parents[2] / "tests" / "data" / "suite"
_COLOUR = r"(?:\x1b\[[0-9;]*m)*"
_NODE = re.compile(r"^tests/\S+\[(.+)-(?:raw|standard)\] ?$")
_RULER = re.compile(rf"^{_COLOUR}-+ test_\w+\[(.+)-(?:raw|standard)\] -+{_COLOUR}$")
_ABOUT = re.compile(r"^_+ (?:ERROR at \w+ of )?Test\w+\.\w+\[(.+)-(?:raw|standard)\] _+$")
_SHORT = re.compile(r"^(?:FAILED|ERROR) tests/\S+\[(.+)-(?:raw|standard)\]")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|(?=\s))")
_MODEL = "vllm_model_car_inference_service"
_WHOLE = ("401", "dsc-not-ready")
_DELETING = "Delete InferenceService "
_CLOSING = "Delete Secret "


PARTS = Path(__file__).parents[2] / "tests" / "support" / "suite_parts.json.gz"
LINES = ("3.3", "main")
"""Branches whose lines differ in form: the log of older ones is `logging`'s, of newer ones structlog's."""


class Write(NamedTuple):
    """One write of the suite."""

    at: float
    """Seconds since the run began."""
    stream: str
    """`stdout` or `stderr`."""
    text: str
    end: str
    """A line's end, or nothing: the rest of the line comes later."""


def writes(fixture: Path) -> list[Write]:
    """The writes of a fixture, in the order in which conmon saw them."""
    found, first = [], None
    for line in gzip.decompress(fixture.read_bytes()).decode().splitlines():
        time, stream, flag, text = line.split(" ", 3)
        at = datetime.fromisoformat(time)
        first = first or at
        found.append(Write((at - first).total_seconds(), stream, text, "\n" if flag == "F" else ""))
    return _joined(found)


def parts(branch: str) -> dict[str, Any]:
    """The parts of a branch's run of all failures, in JSON's types; see the module's text."""
    opening: list[Write] = []
    models: dict[str, list[Write]] = {}
    now = {"stdout": "", "stderr": ""}
    end: list[Write] = []
    for one in writes(FIXTURES / branch / "failures.log.gz"):
        if one.stream == "stdout" and re.match(r"^=+ .* in [\d.]+s", one.text):
            now["stdout"] = "end"
        if now["stdout"] == "end" and one.stream == "stdout":
            end.append(one)
            continue
        if found := (_NODE if one.stream == "stdout" else _RULER).match(one.text):
            now[one.stream] = found[1]
        (models.setdefault(now[one.stream], []) if now[one.stream] else opening).append(one)
    names = list(models)
    setup, models[names[0]] = _cut(models[names[0]], _MODEL)
    models = {name: _own(told, name) for name, told in models.items()}
    last, closing = _cut(models[names[-1]], _CLOSING)
    models[names[-1]], deleting = _cut(last, _DELETING)
    about, short = _end(end)
    runs = {name: list(writes(FIXTURES / branch / f"{name}.log.gz")) for name in _WHOLE}
    return {
        "runs": {name: _written(told, "granite-3.1-8b") for name, told in runs.items()},
        "opening": _written(opening),
        "setup": _written(setup, names[0]),
        "models": {_failure(name): _written(told, name) for name, told in models.items()},
        "deleting": _written(deleting, names[-1]),
        "closing": _written(closing),
        "errors": {_failure(name): _written(told, name) for name, told in about.items()},
        "summary": {_failure(name): _written(told, name) for name, told in short.items()},
    }


def write_parts() -> None:
    """Write the stand-in's parts anew, from the fixtures."""
    told = {branch: parts(branch) for branch in LINES}
    PARTS.write_bytes(gzip.compress(json.dumps(told, separators=(",", ":")).encode(), mtime=0))


def _joined(found: Iterable[Write]) -> list[Write]:
    """Lines that conmon cut in two, whole again; a node id alone keeps its open end."""
    held: dict[str, Write] = {}
    lines: list[Write] = []
    for one in found:
        before = held.pop(one.stream, None)
        now = one if before is None else before._replace(text=before.text + one.text, end=one.end)
        if now.end or _NODE.match(now.text):
            lines.append(now)
        else:
            held[one.stream] = now
    return [*lines, *held.values()]


def _cut(found: list[Write], word: str) -> tuple[list[Write], list[Write]]:
    """What stands before the first line of stderr with a word, and what stderr wrote from there on.

    Of a set-up the head is given: headings and the other stream stay with the model.
    """
    at = next(
        (number for number, one in enumerate(found) if one.stream == "stderr" and word in one.text),
        len(found),
    )
    if word == _MODEL:
        head = [one for one in found[:at] if one.stream == "stderr" and not _heading(one.text)]
        return head, [one for one in found if one not in head]
    tail = [one for one in found[at:] if one.stream == "stderr"]
    return [*found[:at], *(one for one in found[at:] if one.stream == "stdout")], tail


def _own(found: Iterable[Write], model: str) -> list[Write]:
    """Without the end of the model before, which one stream still writes while this one begins."""
    name = service_name(model)
    told, foreign = [], False
    for one in found:
        if one.stream == "stderr" and _DELETING in one.text:
            foreign = re.search(rf"{_DELETING}{re.escape(name)}(?![\w-])", one.text) is None
        elif one.stream == "stderr" and "Executing " in one.text:
            foreign = False
        if not (foreign and one.stream == "stderr"):
            told.append(one)
    return told


def _heading(text: str) -> bool:
    return not text or _RULER.match(text) is not None or " SETUP " in text


def _end(found: list[Write]) -> tuple[dict[str, list[Write]], dict[str, list[Write]]]:
    about: dict[str, list[Write]] = {}
    short: dict[str, list[Write]] = {}
    into: list[Write] = []
    for one in found:
        if match := _ABOUT.match(one.text):
            into = about.setdefault(match[1], [])
        elif match := _SHORT.match(one.text):
            into = short.setdefault(match[1], [])
        elif one.text.startswith("="):
            into = []
        into.append(one)
    return about, short


def _failure(model: str) -> str:
    return model.partition("-x-")[2]


def _written(found: Iterable[Write], model: str = "") -> list[list[Any]]:
    """`[seconds since the part began, stream, text, end]`, with names and stamps open."""
    told = list(found)
    began = told[0].at if told else 0.0
    return [[round(one.at - began, 3), one.stream, _open(one.text, model), one.end] for one in told]


def _open(text: str, model: str) -> str:
    text = text.replace("{", "{{").replace("}", "}}")
    if model:
        text = re.sub(rf"\[{re.escape(model)}-(raw|standard)\]", "[{model}-{mode}]", text)
        for name in dict.fromkeys((model, service_name(model))):
            text = text.replace(name, "{object}")
    text = re.sub(r"(?:standard|raw)-model-validation", "{namespace}", text)
    text = re.sub(r"vllm-(?:standard|rawdeployment)-runtime", "{runtime}", text)
    text = re.sub(r"^(collecting \.\.\. )?collected \d+ items?", r"\1collected {total} items", text)
    text = re.sub(r"^_ \d+ of \d+ completed.*_$", "{progress}", text)
    return _STAMP.sub("{stamp}", text)
