"""What vLLM's own code says of lists of arguments (`tools/vllm_judge`), and what the lint says of them.

`tests/data/vllm/lists.jsonl` has the lists, `tests/data/vllm/<release>/arguments.jsonl` the answers, and
`tests/data/vllm/known_gaps/arguments.json` the lists on which vLLM and the lint differ. Run as a program,
this takes the gaps off that are closed, and with `--add` puts new ones on.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from compatibility_support import car

from modelcar_tui.advice.finding import Finding, Severity
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.manifest.variables import references

DATA = Path(__file__).parents[2] / "data" / "vllm"
GAPS = DATA / "known_gaps" / "arguments.json"
PARSER = frozenset(
    {
        "flag-unknown",
        "flag-removed",
        "flag-too-new",
        "flag-ambiguous",
        "blank-in-item",
        "stray-value",
        "value-missing",
        "value-unexpected",
        "value-wrong",
        "key-unknown",
    }
)
REFUSALS = PARSER | {"needs-other", "refused-beside", "name-unknown"}
"""What the lint says of the stages that were asked: the parser and the server's own checks."""
_NO_SUCH_FILE = re.compile(r"supplied chat template string|No such file or directory")
_NO_SUCH_PARSER = re.compile(r"invalid tool call parser|Reasoning parser '.*' not found|reasoning parser:")
_PLUGIN = re.compile(r"--(tool|reasoning)-parser-plugin")


class Asked(msgspec.Struct, frozen=True):
    """A list of arguments."""

    id: str
    args: tuple[str, ...]
    source: str
    model: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """Where vLLM refused a list, and what it said."""

    id: str
    stage: str
    says: str


class Answers(msgspec.Struct, frozen=True):
    """What one release says."""

    release: str
    asked: tuple[str, ...]
    accepts: frozenset[str]
    tags: dict[str, str]
    """Stray words that it takes for the model, by list."""
    chance: frozenset[str]
    """Lists that it refuses at one start and accepts at the next."""
    refused: dict[str, Refusal] = {}


class Gap(msgspec.Struct, frozen=True, order=True):
    """A disagreement: an empty `vllm` accepts the list, an empty `ours` says nothing against it."""

    id: str
    vllm: str
    ours: str
    releases: tuple[str, ...]


@cache
def lists() -> tuple[Asked, ...]:
    """Each list once."""
    lines = (DATA / "lists.jsonl").read_text("utf-8").splitlines()
    return tuple(msgspec.json.decode(line, type=Asked) for line in lines)


@cache
def releases() -> tuple[str, ...]:
    """Those that were asked, the oldest first."""
    names = [path.parent.name for path in DATA.glob("*/arguments.jsonl")]
    return tuple(sorted(names, key=lambda name: [int(part) for part in name.split(".")]))


@cache
def answers(release: str) -> Answers:
    """What that release says of all lists."""
    about, *refused = (DATA / release / "arguments.jsonl").read_text("utf-8").splitlines()
    rows = [msgspec.json.decode(line, type=Refusal) for line in refused]
    found = msgspec.json.decode(about, type=Answers)
    return msgspec.structs.replace(found, refused={row.id: row for row in rows})


def told(args: Iterable[str], release: str, codes: frozenset[str] = REFUSALS) -> list[Finding]:
    """The lint's errors about what would keep the server from starting."""
    found = lint_model(car(*args), vllm=release)
    return [one for one in found if one.code in codes and one.severity is Severity.ERROR]


def needs_a_file(asked: Asked, refusal: Refusal) -> bool:
    """Whether vLLM missed a file that may exist in an image: a template, a configuration, a plugin."""
    plugin = any(_PLUGIN.match(arg) for arg in asked.args) and _NO_SUCH_PARSER.search(refusal.says)
    return bool(plugin or _NO_SUCH_FILE.search(refusal.says))


def changed_before(asked: Asked) -> bool:
    """Whether Kubernetes puts something into it (`$(NAME)`): vLLM was asked about another text."""
    return any(references(arg) for arg in asked.args)


@cache
def disagreements(release: str) -> dict[str, tuple[str, str]]:
    """What vLLM and the lint say of the lists on which they differ, by id.

    Not of lists that name a file which isn't here, nor of those whose stray word becomes the model: an error
    is right then, and vLLM starts with another model. Nor of those that a release refuses by chance, or that
    Kubernetes changes before vLLM sees them.
    """
    said = answers(release)
    found: dict[str, tuple[str, str]] = {}
    for asked in lists():
        if changed_before(asked):
            continue
        refusal = said.refused.get(asked.id)
        ours = told(asked.args, release)
        if refusal and not ours and not needs_a_file(asked, refusal):
            found[asked.id] = (refusal.says, "")
        elif ours and asked.id in said.accepts and asked.id not in said.tags:
            found[asked.id] = ("", ours[0].what)
    return found


def known_gaps() -> tuple[Gap, ...]:
    """The disagreements that are known."""
    return tuple(msgspec.json.decode(GAPS.read_bytes(), type=tuple[Gap, ...]))


def all_gaps() -> tuple[Gap, ...]:
    """All of today, one a list and kind; the words are those of the newest release in which it occurs."""
    found: dict[tuple[str, bool], Gap] = {}
    for release in releases():
        for name, (vllm, ours) in disagreements(release).items():
            before = found.get((name, bool(vllm)))
            since = (*before.releases, release) if before else (release,)
            found[name, bool(vllm)] = Gap(name, vllm, ours, since)
    return tuple(sorted(found.values()))


def write_gaps(*, add: bool) -> None:
    """Takes those off that no longer occur; with `add` all that occur are listed, and want a look at each."""
    if add:
        _write(all_gaps())
        return
    now = {(gap.id, bool(gap.vllm)): gap for gap in all_gaps()}
    known = [(gap, now.get((gap.id, bool(gap.vllm)))) for gap in known_gaps()]
    left = [
        msgspec.structs.replace(there, releases=tuple(one for one in there.releases if one in gap.releases))
        for gap, there in known
        if there
    ]
    _write(gap for gap in left if gap.releases)


def _write(gaps: Iterable[Gap]) -> None:
    rows: list[dict[str, Any]] = [msgspec.to_builtins(gap) for gap in sorted(gaps)]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    GAPS.parent.mkdir(parents=True, exist_ok=True)
    GAPS.write_text(f"[\n{lines}\n]\n", "utf-8")


if __name__ == "__main__":
    write_gaps(add="--add" in sys.argv[1:])
