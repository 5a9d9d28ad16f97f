"""Whether vLLM accepts lists of arguments: its parser, its server's checks and, where torch is, its engine's.

A list is a line `{"id": ..., "args": [...]}` of a file; an answer says how far vLLM went with it. The stages:

- `parser`: argparse, with what pydantic says of JSON values;
- `serve`: what the server checks before it opens its port;
- with `--engine`, for lists that name a config.json: its engine's, too (`engine_arguments.py`).

`--record RELEASE ...` asks all lists of `tests/data/vllm/lists.jsonl` and keeps the answers there, in the
shape of `recorded.py`: 20 s a release.
"""

from __future__ import annotations

import gc
import json
import os
import re
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

from vllm_judge import engine_arguments, recorded
from vllm_judge.apart import NoAnswer, apart, forked
from vllm_judge.command_line import CommandLine, Refused
from vllm_judge.source import unpacked, version_of

Stage = Literal["parser", "serve"]
MODEL = "/mnt/models"
"""Where the runtimes tell vLLM to look for the model."""
_SECONDS, _MEBIBYTES = 20.0, 2048
_LONGEST = 120
"""Of what vLLM says, in characters: enough to see what it is about."""


class Asked(TypedDict):
    """A list of arguments."""

    id: str
    args: list[str]
    model: NotRequired[str]
    source: NotRequired[str]


class Answer(TypedDict):
    """What vLLM says of it."""

    id: str
    accepts: bool | None
    """None: the judge failed, and `says` tells how."""
    stage: NotRequired[Stage]
    """Where it was refused."""
    says: NotRequired[str]
    tag: NotRequired[str]
    """A stray word that vLLM accepts as `model_tag`."""
    asked: list[Stage]


def add_arguments(parser: ArgumentParser) -> None:
    """The command's own."""
    parser.add_argument("lists", nargs="?", type=Path, help="a file with a list a line")
    parser.add_argument("--release", help="a version, or a folder or an archive with vLLM's source")
    parser.add_argument("-o", "--output", type=Path, default=Path("/dev/stdout"), help="where the answers go")
    parser.add_argument("--record", nargs="+", default=[], metavar="RELEASE", help="renew the tests' data")
    parser.add_argument(
        "--engine", metavar="RELEASE", help="renew the tests' data about the engine's answers"
    )


def run(options: Namespace) -> int:
    """Asks and writes; the number of lists without an answer is the status, up to 1."""
    if options.engine:
        return min(engine_arguments.record(options.engine), 1)
    if not options.record and not (options.release and options.lists):
        raise SystemExit("name a release and a file of lists, or releases to record")
    failed = 0
    for release in options.record or [options.release]:
        asked = read_lists(recorded.LISTS if options.record else options.lists)
        answers = judge(release, asked)
        failed += sum(answer["accepts"] is None for answer in answers)
        if options.record:
            recorded.write(version_of(release), answers)
        else:
            options.output.write_text("".join(json.dumps(answer) + "\n" for answer in answers), "utf-8")
    return min(failed, 1)


def read_lists(path: Path) -> list[Asked]:
    """One a line."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def judge(release: str, lists: Sequence[Asked]) -> list[Answer]:
    """The answers of one release, in the order of the lists."""
    root = unpacked(release)
    return apart(_answers, root, version_of(release), list(lists))


def _answers(root: Path, version: str, lists: list[Asked]) -> list[Answer]:
    """In a folder of their own, where no relative path leads to a file."""
    line = CommandLine(root, version)
    gc.freeze()  # a fork that collects garbage copies the memory that it only looks at
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        answers = [_answer(line, one, root) for one in lists]
        os.chdir("/")
    return answers


def _answer(line: CommandLine, one: Asked, root: Path) -> Answer:
    asked: list[Stage] = ["parser", "serve"]
    try:
        found = forked(lambda: _ask(line, one["args"]), seconds=_SECONDS, mebibytes=_MEBIBYTES)
    except NoAnswer as problem:
        return Answer(id=one["id"], accepts=None, says=str(problem), asked=asked)
    stage, says, tag = found
    if says is None:
        accepted = Answer(id=one["id"], accepts=True, asked=asked)
        return Answer(**accepted, tag=tag) if tag else accepted
    if "StandIn" in says:
        return Answer(id=one["id"], accepts=None, says=plain(says, root), asked=asked)
    return Answer(id=one["id"], accepts=False, stage=stage, says=plain(says, root), asked=asked)


def _ask(line: CommandLine, args: Sequence[str]) -> tuple[Stage, str | None, str]:
    """Where vLLM stopped, what it said (None: nothing), and the stray word that it accepted."""
    stage: Stage = "parser"
    try:
        options = line.parser.parse_args(["--model", MODEL, *args])
        stage = "serve"
        _serve(line, options)
    except Refused as refused:
        return stage, str(refused), ""
    except SystemExit as end:
        return stage, f"ends with status {end.code or 0}", ""
    except Exception as problem:  # noqa: BLE001 - whatever vLLM raises keeps the server from starting
        return stage, f"{type(problem).__name__}: {problem}", ""
    return stage, None, getattr(options, "model_tag", None) or ""


def _serve(line: CommandLine, options: Namespace) -> None:
    """A chat template that is missing here may be there in an image: names are looked up all the same."""
    missing: Exception | None = None
    try:
        line.check(options)
    except Exception as problem:
        if "chat template string" not in str(problem):
            raise
        missing = problem
    line.start(options)
    if missing:
        raise missing


_NOISE = re.compile(
    r"\s*For further information visit \S+"
    r"|\s*\[type=\w+, input_value=.*?, input_type=\w+\]"
    r"|\s*\((choose|chose) from .*?\)"
    r"|\s*Available parsers: [\w, .-]*",
    re.DOTALL,
)
"""Links and values of pydantic's, and what else could have been chosen."""


def plain(says: str, root: Path) -> str:
    """In one line, without noise, paths and addresses of this machine, and cut."""
    text = _NOISE.sub("", says.replace(str(root), ""))
    text = re.sub(r"0x[0-9a-f]{8,}", "0x", re.sub(r"\s+", " ", text)).strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
