"""Whether an edit did what its plan says and nothing else: by texts, by PyYAML, by being read again."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from modelcar_tui.kserve import validate
from modelcar_tui.manifest import ModelCar, Operation, Position
from published.plans import SIZE, Planned
from published.readings import BY_WORKER, Reading, reading_of

_DOCUMENT = re.compile(rb"(?m)^---(?=[\s]|\Z)")
_WORDS = re.compile(r"[^\s\"'\\,\[\]{}&|>]+")
_KEYS = (
    "args",
    "env",
    "name",
    "value",
    "resources",
    "limits",
    "requests",
    "template",
    "containers",
    "prefill",
)
_MADE = {"-", ":", "main", "worker", "command", "VLLM_ADDITIONAL_ARGS", "nvidia.com/gpu", "nvidia.com/gpu:"}
_MADE |= {*_KEYS, *(f"{key}:" for key in _KEYS)}
"""Words of YAML that an edit may write where there is no list of arguments, or no count, yet."""
_OURS = {"args", "command", "resources", "env", "parallelism", "workerSpec", "template", "value"}
"""Fields in which, or below which, a value may differ."""
_NOWHERE = Position(0, 0)


def faults_of(before: bytes, after: bytes, car: ModelCar, planned: Planned, was: Reading) -> Iterator[str]:
    """What is wrong with an edited text; nothing where it is proven.

    Args:
        before: the manifest as it was.
        after: as it was edited.
        car: the request that has the changes.
        planned: what it has to come to.
        was: the reading of `before`.
    """
    known = dict(car.server.environment) if car.server is not None else {}
    named = tuple(name for name, value in known.items() if value in planned.gone)
    yield from _of_lines(before, after, planned, named)
    yield from _of_documents(before, after)
    yield from _of_values(before, after)
    yield from _of_reading(after, car, planned, was)
    yield from _of_schemas(before, after)


def _of_lines(before: bytes, after: bytes, planned: Planned, named: tuple[str, ...]) -> Iterator[str]:
    """Only words of the plan come and go, in few lines, and lines end as they did.

    A variable in the place of a value (`named`) goes with it, as does a comment on the line of an item that
    goes.
    """
    old, new = (data.decode().splitlines(keepends=True) for data in (before, after))
    gone: Counter[str] = Counter()
    come: Counter[str] = Counter()
    met = 0
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            met += j - i + m - k
            gone.update(_words("".join(old[i:j])))
            come.update(_words("".join(new[k:m])))
    lost, got = gone - come, come - gone
    comments = {word for line in old if _goes(line, planned) for word in _words(line.partition(" #")[2])} | {
        "#"
    }
    told = {word for text in (*planned.gone, *planned.new) for word in _words(text)} | _MADE
    told |= {"$", *named, *(f"${name}" for name in named)} if named else set()
    if any(word.startswith("*") for word in lost):
        # An alias gets the text that it stands for before that can differ from its anchor's.
        told |= {word for word in lost if word.startswith("*")} | set(_words("".join(old)))
    if left := sorted(word for word in lost if word not in told and word not in comments):
        yield f"lost: {left[:5]}"
    if more := sorted(word for word in got if word not in told and not word.startswith("*")):
        yield f"came: {more[:5]}"
    words = sum(len(text.split()) + 1 for text in (*planned.gone, *planned.new))
    if met > 4 * (words + len(planned.changes)) + 12:
        yield f"{met} lines differ for {words} words"
    ends = {line[len(line.rstrip("\r\n")) :] for line in old[:-1]}
    if len(ends) == 1 and {line[len(line.rstrip("\r\n")) :] for line in new[:-1]} != ends:
        yield "lines end otherwise"
    if old[-1].endswith("\n") != new[-1].endswith("\n"):
        yield "the last line ends otherwise"


def _goes(line: str, planned: Planned) -> bool:
    """Whether a line is an item that a plan takes away."""
    item = line.partition(" #")[0].strip().removeprefix("- ").strip("'\" ")
    return "#" in line and item in planned.gone


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.replace("\\n", " "))


def _of_documents(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (_DOCUMENT.split(data) for data in (before, after))
    if len(old) != len(new):
        yield f"{len(old)} documents became {len(new)}"
    elif sum(one != other for one, other in zip(old, new, strict=True)) > 1:
        yield "more than one document differs"


def _of_values(before: bytes, after: bytes) -> Iterator[str]:
    """By PyYAML alone: values differ in the fields of arguments, counts and the environment only."""
    try:
        old, new = objects_of(before), objects_of(after)
    except yaml.YAMLError as error:
        yield f"is no YAML: {str(error)[:80]}"
        return
    for path in _differing(old, new, ()):
        if not _OURS & set(path):
            yield f"{'.'.join(map(str, path))} differs"


def objects_of(data: bytes) -> list[Any]:
    """The documents that PyYAML can construct; None for one that it can't."""
    found = []
    for part in _DOCUMENT.split(data):
        try:
            found.append(yaml.load(part, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        except yaml.constructor.ConstructorError:
            found.append(None)
    return found


def _differing(old: Any, new: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            yield from _differing(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differing(one, other, (*path, index))
    elif old != new or type(old) is not type(new):
        yield path


def _of_reading(after: bytes, car: ModelCar, planned: Planned, was: Reading) -> Iterator[str]:
    read = reading_of(after, "edited.yaml")
    if list(read.models) != list(was.models):
        yield f"serves {list(read.models)} instead of {list(was.models)}"
        return
    for name, other in was.models.items():
        if name != car.name and bare(other) != bare(read.models[name]):
            yield f"{name} is another one: {_fields(other, read.models[name])}"
    found = read.models[car.name]
    if not _fits(found.serving.args, planned):
        yield f"args: wanted {list(planned.args)}, read {list(found.serving.args)}"
    if found.serving.gpu_count != planned.gpus:
        yield f"gpu_count: wanted {planned.gpus}, read {found.serving.gpu_count}"
    counted = any(one.operation is Operation.GPU_COUNT for one in planned.changes)
    if changed := _fields(car, found, counted=counted):
        yield f"differs in {changed}"


def _fits(args: tuple[str, ...], planned: Planned) -> bool:
    """Whether these are the arguments; where what is added goes is the editor's to choose."""
    added = [one.new for one in planned.changes if one.operation is Operation.ADD]
    kept = list(planned.args[: len(planned.args) - len(added)]) if added else list(planned.args)
    return sorted(args) == sorted(planned.args) and [word for word in args if word not in added] == kept


def bare(car: ModelCar) -> ModelCar:
    """A request without the places of its texts."""
    return msgspec.structs.replace(
        car,
        at=_NOWHERE,
        name_at=_NOWHERE,
        image_at=_NOWHERE,
        serving=msgspec.structs.replace(car.serving, gpu_count_at=None, args_at=()),
        open=tuple(msgspec.structs.replace(one, where="") for one in car.open),
    )


def _fields(car: ModelCar, found: ModelCar, *, counted: bool = False) -> list[str]:
    """Fields in which two differ, besides the arguments and counts; `counted`: and what hangs on a count."""
    one, other = (_without_count(bare(each)) if counted else bare(each) for each in (car, found))
    own = one.serving
    serving = msgspec.structs.replace(
        other.serving, args=own.args, gpu_count=own.gpu_count, origin=own.origin
    )
    other = msgspec.structs.replace(other, serving=serving)
    return [name for name in car.__struct_fields__ if getattr(one, name) != getattr(other, name)]


def _without_count(car: ModelCar) -> ModelCar:
    """A request without what its count of GPUs makes of it: KServe's variables, the sizes that a template
    passes, the numbers in sentences, and the resource, which one without GPUs has not."""
    same = msgspec.structs.replace
    car = same(
        car,
        serving=same(car.serving, before=_without_size(car.serving.before)),
        open=(),
    )
    server = car.server
    if server is None:
        return car
    kept = tuple(pair for pair in server.environment if pair[0] not in BY_WORKER)
    return same(car, server=same(server, environment=kept, args=_without_size(server.args), resource=""))


def _without_size(args: tuple[str, ...]) -> tuple[str, ...]:
    before = ("", *args)
    return tuple("N" if flag in SIZE else word for flag, word in zip(before, args, strict=False))


def _of_schemas(before: bytes, after: bytes) -> Iterator[str]:
    for old, new in zip(objects_of(before), objects_of(after), strict=False):
        if (
            isinstance(new, dict)
            and str(new.get("apiVersion")).startswith("serving.kserve.io/")
            and old != new
        ):
            had = {(one.where, one.code) for one in validate(old)}
            for one in validate(new):
                if (one.where, one.code) not in had:
                    yield f"schema: {one.where}: {one.what}"
