"""A command line of vLLM as a manifest: `vllm serve MODEL ...`, or what runs it in a container."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kube import mebibytes
from modelcar_tui.manifest.kinds.command import UNKNOWN, CommandLine, line_of
from modelcar_tui.manifest.kinds.expansion import Argument, Block
from modelcar_tui.manifest.kinds.lines import Run, run_of, started
from modelcar_tui.manifest.kinds.places import Place, TextPart
from modelcar_tui.manifest.kinds.pods import may_tell
from modelcar_tui.manifest.kinds.scripts import Fault, ScriptReader
from modelcar_tui.manifest.kinds.weights import Weights, weights_of
from modelcar_tui.manifest.limits import MAX_GPUS, shorten
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.source import Source
from modelcar_tui.manifest.spans import Scalar
from modelcar_tui.manifest.telling import Told
from modelcar_tui.manifest.types import (
    SERVE_LINE,
    ArgumentsFrom,
    Manifest,
    ModelCar,
    Position,
    Server,
    ServingArguments,
)

_SIZES = (
    ("--tensor-parallel-size", "-tp"),
    ("--pipeline-parallel-size", "-pp"),
    ("--data-parallel-size", "-dp"),
)
_NOT_FOUND = Fault(
    "no `vllm serve` is found: a script inside of a container's command is not read",
    "write the line that it runs: `vllm serve MODEL --flag=value`",
)
_NAMES = ("--served-model-name",)


@dataclass(frozen=True, slots=True)
class _Line:
    """What was read of the text."""

    line: CommandLine
    place: Place
    image: str
    shm_mib: int | None


def read_serve_line(source: Source) -> tuple[Manifest, tuple[Problem, ...]]:
    """What a command line serves, and the errors in it; ask `is_serve_line` first."""
    node = _scalar(source.text)
    told = Told(source.label, node)
    read = _read(node, told)
    manifest = Manifest(
        path=source.label,
        sha256=source.sha256,
        shape="line",
        models=(_request(read, node, told),) if read is not None else (),
        findings=told.warnings(),
    )
    return manifest, told.errors()


def place_of_line(text: str) -> dict[str, Place]:
    """Where the arguments of a command line stand in its text, by the name of what it serves."""
    node = _scalar(text)
    read = _read(node, Told("", node))
    return {_name(read.line): read.place} if read is not None else {}


def _scalar(text: str) -> Scalar:
    return Scalar(0, len(text), 1, 1, value=text)


def _read(node: Scalar, told: Told) -> _Line | None:
    block = Block((), node)
    done = ScriptReader(block=block, known={}, program=started).read()
    if done.arguments is None or done.block is None:
        for fault in done.faults or (_NOT_FOUND,):
            told.error(block.item(fault.at), fault.what, fault.fix, "serve-line")
        return None
    words = [one.text for one in done.arguments]
    found = started(words)
    if found is None:
        return None
    run = run_of(words)
    environment = (*done.environment, *_given(run, done.arguments)) if run else done.environment
    problems = tuple(
        told.problem(block.item(fault.at), fault.what, fault.fix, UNKNOWN) for fault in done.faults
    )
    line = line_of(found.program, list(done.arguments[found.at :]), told, done.block, environment)
    line = replace(line, open=(*problems, *line.open))
    place = Place(document=0, words=line.words, parts=line.parts, grows=line.grows)
    shm = mebibytes(_bytes(run.values("--shm-size")[-1])) if run and run.values("--shm-size") else None
    return _Line(line, place, words[run.image] if run else "", shm)


def _given(run: Run, arguments: Sequence[Argument]) -> tuple[tuple[str, str], ...]:
    """The variables that a container engine passes on with a value."""
    pairs = (value.partition("=") for value in run.values("-e", "--env"))
    unsure = {one.text.partition("=")[0] for one in arguments if one.unsure}
    return tuple((name, value) for name, equals, value in pairs if equals and name not in unsure)


def _bytes(text: str) -> str:
    """A size of a container engine (`16g`, `512m`) as Kubernetes writes it."""
    digits = text.rstrip("bB")
    units = {"k": "Ki", "m": "Mi", "g": "Gi", "t": "Ti"}
    unit = units.get(digits[-1:].lower())
    return f"{digits[:-1]}{unit}" if unit else digits


def _request(read: _Line, node: Scalar, told: Told) -> ModelCar:
    line, at = read.line, Position(1, 1)
    environment = tuple((name, value) for name, value in line.environment if may_tell(name, value))
    weights = _weights(line, dict(environment), node, told)
    serving = ServingArguments(
        gpu_count=_gpus(line.words),
        args=masked_arguments(line.words),
        origin=ArgumentsFrom.ITEM if line.words else ArgumentsFrom.NONE,
        args_at=_positions(read.place, node.value),
        by_suite=False,
    )
    server = Server(
        told_by="the command line",
        image=clean(read.image, limit=2000),
        environment=environment,
        shm_mib=read.shm_mib,
    )
    return ModelCar(
        name=_name(line),
        image=weights.image,
        serving=serving,
        at=at,
        name_at=at,
        image_at=at,
        kind=SERVE_LINE,
        server=server,
        open=(*line.open, *weights.open),
    )


def _weights(line: CommandLine, environment: dict[str, str], node: Scalar, told: Told) -> Weights:
    if line.model.startswith(("/", ".", "~")):
        what = f"the model {shorten(line.model)} is a path on the machine for which the command line is meant"
        fix = "name a model of Hugging Face, or give a manifest that mounts it"
        return Weights("", None, (told.problem(node, what, fix, "weights-unknown"),))
    return weights_of(node, node, line, environment, told)


def _name(line: CommandLine) -> str:
    name = _value(line.words, _NAMES) or line.model.rstrip("/").rpartition("/")[2]
    return shorten(clean(name)) or "vllm"


def _gpus(words: tuple[str, ...]) -> int:
    """What the line's own sizes make of GPUs; 1 where it names none."""
    sizes = [_value(words, names) for names in _SIZES]
    numbers = [int(one) for one in sizes if one.isascii() and one.isdecimal() and len(one) < 6]
    return min(max(math.prod(numbers), 1), MAX_GPUS)


def _value(words: Sequence[str], names: Sequence[str]) -> str:
    """The value of a flag, the last one if it stands there twice; empty where it isn't there."""
    found = ""
    for index, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag.replace("_", "-") in names:
            found = value if equals else words[index + 1] if index + 1 < len(words) else ""
    return found


def _positions(place: Place, text: str) -> tuple[Position, ...]:
    found = []
    for part in place.parts:
        for start, _ in part.spans if isinstance(part, TextPart) else ():
            line = text.count("\n", 0, start) + 1
            found.append(Position(line, start - text.rfind("\n", 0, start)))
    return tuple(found)
