"""What a release's own parser and configuration classes say of themselves, asked in a process of its own."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import json
import types
import typing
from argparse import SUPPRESS, Action
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from vllm_judge.apart import apart
from vllm_judge.command_line import CommandLine
from vllm_tables.probes import probed

_ON_OFF = ("BooleanOptionalAction", "EnableDisableAction")
_SWITCHES = ("_StoreTrueAction", "_StoreFalseAction", "_StoreConstAction", "_CountAction")
_KINDS = {
    "int": "int",
    "float": "float",
    "human_readable_int": "human",
    "human_readable_int_or_auto": "tokens",
    "loads": "json",
    "union_dict_and_str": "json?",
    "nullable_kvs": "pairs",
    "CompilationConfig.from_cli": "literal",
}
"""Kinds of `vllm_arguments.json` by the function that reads a value."""
_BY_PLATFORM = ("--mm-processor-device",)
"""Their choices are those of the platform that runs, here NVIDIA's; elsewhere they are others."""
_WHOLE = (
    "ModelConfig",
    "ParallelConfig",
    "CacheConfig",
    "SchedulerConfig",
    "LoadConfig",
    "VllmConfig",
    "DeviceConfig",
)
"""What has flags of its own, and inside of another configuration is set by vLLM, not by a key."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One argument as the release's argparse has it."""

    flag: str
    aliases: tuple[str, ...] = ()
    kind: str
    """As in `vllm/vllm_arguments.json`."""
    choices: tuple[str, ...] = ()
    none: bool = False
    """Whether `None` and an empty value are accepted."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """All that one release was asked."""

    specs: tuple[Spec, ...]
    """Sorted by flag."""
    defaults: dict[str, Any]
    """Plain values by flag."""
    keys: dict[str, dict[str, Any]]
    """By flag that takes an object, and key, `outer.inner` where they are nested: `kind`, `default`, and what
    `probed` adds."""
    tool_parsers: tuple[str, ...]
    reasoning_parsers: tuple[str, ...]


@lru_cache(maxsize=4)
def asked(root: Path, version: str) -> Asked:
    """The release that lies in `root`; 1 to 3 s."""
    return msgspec.json.decode(apart(_ask, root, version), type=Asked)


def _ask(root: Path, version: str) -> bytes:
    line = CommandLine(root, version)
    actions: dict[str, Action] = {}
    for (
        action
    ) in line.parser._actions:  # `vllm serve` knows a few more in some releases; no runtime starts that
        if action.option_strings and type(action).__name__ != "_HelpAction":
            actions[_long(action)] = action
    sized = hasattr(importlib.import_module("vllm.engine.arg_utils"), "_expand_json_human_readable_numbers")
    specs = [_spec(flag, action, sized=sized) for flag, action in sorted(actions.items())]
    classes = {
        flag: kind for flag, action in actions.items() if (kind := _class_of(flag, action)) is not None
    }
    found = Asked(
        specs=tuple(specs),
        defaults={
            flag: value for flag, action in actions.items() if (value := plain(action.default)) is not None
        },
        keys={flag: dict(probed(actions[flag], kind, _keys(kind, ""))) for flag, kind in classes.items()},
        tool_parsers=line.names("tool"),
        reasoning_parsers=line.names("reasoning"),
    )
    return msgspec.json.encode(found)


def _long(action: Action) -> str:
    return next((name for name in action.option_strings if name.startswith("--")), action.option_strings[0])


def _spec(flag: str, action: Action, *, sized: bool) -> Spec:
    made = _off_forms(action)
    aliases = tuple(name for name in action.option_strings if name != flag and name not in made)
    function, none = _unwrapped(action.type)
    choices = () if flag in _BY_PLATFORM else tuple(action.choices or ())
    choices = (*choices, *(_alternatives(action.dest) if choices else ()))
    words = tuple(sorted({_word(choice) for choice in choices if choice is not None and choice != "None"}))
    if choices:  # what was read, None for `None`, is looked up among them
        none = none and None in choices
    return Spec(
        flag=flag,
        aliases=aliases,
        kind=_kind(action, function, words, sized=sized),
        choices=("false", "true") if type(action).__name__ == "StoreBoolean" else words,
        none=none,
    )


def _word(choice: Any) -> str:
    """As it is written: an enumeration's value where that is a word, else its name."""
    if isinstance(choice, enum.Enum):
        value = choice.value
        return value if isinstance(value, str) and value.replace("-", "_").isidentifier() else choice.name
    return str(choice)


def _alternatives(field: str) -> Iterator[Any]:
    """All choices of a field that is one of several literals.

    Some releases take one of the literals out of a set, whichever comes first: their parser has other
    choices from one start to the next.
    """
    for kind in vars(importlib.import_module("vllm.config")).values():
        if isinstance(kind, type) and field in getattr(kind, "__annotations__", ()):
            literals = [found for member in _members(_hints(kind).get(field)) if (found := _choices(member))]
            yield from (value for found in literals for value in found if len(literals) > 1)


def _off_forms(action: Action) -> set[str]:
    """`--no-x` and `--disable-x` that the class of the action adds by itself."""
    if type(action).__name__ not in _ON_OFF:
        return set()
    names = [name for name in action.option_strings if name.startswith("--")]
    return {
        "--" + form
        for name in names
        for form in (
            f"no-{name[2:]}",
            name[2:].replace("enable-", "disable-", 1),
            name[2:].replace("disable-", "enable-", 1),
        )
        if form != name[2:]
    }


def _unwrapped(function: Any) -> tuple[Any, bool]:
    """The function that reads a value, without what takes `None` for none around it."""
    name = getattr(function, "__qualname__", "")
    if name == "nullable_str":
        return str, True
    if name.startswith(("optional_type.", "parse_type.")):
        inner = next(
            (cell.cell_contents for cell in function.__closure__ if callable(cell.cell_contents)), str
        )
        found, none = _unwrapped(inner)
        return found, none or name.startswith("optional_type.")
    return function, False


def _kind(action: Action, function: Any, words: tuple[str, ...], *, sized: bool) -> str:
    kind = type(action).__name__
    if kind in _ON_OFF:
        return "flag"
    if kind in _SWITCHES:
        return "switch"
    if kind == "StoreBoolean" or action.nargs == "?":
        return "maybe"
    name = getattr(function, "__qualname__", "")
    if action.nargs in ("+", "*"):
        return "ints" if name == "int" else "list"
    if words:
        return "option" if name.endswith("<lambda>") else "choice"
    if name.endswith(("parse_dataclass", "get_kwargs.<locals>.<lambda>")):
        return "sized" if sized else "object"
    if _KINDS.get(name) == "json" and _reads(action.type, "a=1,b=2"):
        return "json|pairs"
    if name.endswith((".from_cli", ".from_json")) and name not in _KINDS:
        return "object"
    return _KINDS.get(name, "str")


def _reads(function: Any, value: str) -> bool:
    try:
        return isinstance(function(value), dict)
    except Exception:  # noqa: BLE001 - each release refuses in its own way
        return False


def plain(value: Any) -> Any:
    """A default that JSON can say; None for all others, for none, and for what is empty."""
    if isinstance(value, enum.Enum):
        value = _word(value)
    if value is SUPPRESS or value in (None, "", [], {}, ()):
        return None
    if isinstance(value, str) and value.startswith("/"):
        return None  # a folder of this machine
    if isinstance(value, (set, frozenset, tuple)):
        value = sorted(value, key=str)
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return None


def _class_of(flag: str, action: Action) -> type | None:
    """The class that an object is read into: the parser's own, or the one named after the flag."""
    function = _unwrapped(action.type)[0]
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    for kind in (
        getattr(function, "__self__", None),
        *cells,
        *(getattr(function, "__defaults__", None) or ()),
    ):
        found = next(filter(_configures, (kind, *typing.get_args(kind))), None)
        if found is not None:
            return found  # type: ignore[no-any-return]
    words = flag.removeprefix("--").removeprefix("override-").split("-")
    if words[-1] != "config" or getattr(function, "__qualname__", "str") in ("str", "int"):
        return None
    named = {name.lower(): kind for name, kind in vars(importlib.import_module("vllm.config")).items()}
    kind = named.get("".join(words))
    return kind if _configures(kind) else None


def _configures(kind: Any) -> bool:
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or hasattr(kind, "model_fields"))


def _keys(kind: type, before: str, depth: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    hints = _hints(kind)
    for name, hint, stated in _fields(kind):
        members = tuple(_members(hints.get(name, hint)))
        row: dict[str, Any] = {"kind": "|".join(sorted({_type(member) for member in members})) or "any"}
        if choices := sorted({_word(value) for member in members for value in _choices(member)}):
            row["choices"] = choices
        if (default := plain(_default(stated))) is not None:
            row["default"] = default
        yield before + name, row
        for member in members:
            if _configures(member) and member.__name__ not in _WHOLE and depth < 2:
                yield from _keys(member, f"{before}{name}.", depth + 1)


def _fields(kind: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name, annotation and what states the default, of a dataclass or a model of pydantic's."""
    if dataclasses.is_dataclass(kind):
        for field in dataclasses.fields(kind):
            if field.init and not field.name.startswith("_"):
                yield field.name, field.type, field
    else:
        for name, field in kind.model_fields.items():
            yield name, field.annotation, field


def _hints(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except Exception:  # noqa: BLE001 - a name that only type checkers see: the field's own text remains
        return {}


def _members(hint: Any) -> Iterator[Any]:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        for part in typing.get_args(hint):
            yield from _members(part)
    elif origin in (typing.Annotated, typing.ClassVar, typing.Final):
        yield from _members(typing.get_args(hint)[0])
    else:
        yield hint


def _choices(member: Any) -> tuple[Any, ...]:
    if typing.get_origin(member) is typing.Literal:
        return typing.get_args(member)
    if isinstance(member, type) and issubclass(member, enum.Enum):
        return tuple(member)
    return ()


def _type(member: Any) -> str:
    origin = typing.get_origin(member) or member
    if origin is type(None):
        return "none"
    if _choices(member):
        return "choice"
    if _configures(origin):
        return "object"
    named = {"Mapping": "dict", "Sequence": "list", "frozenset": "set", "Path": "str"}
    name = getattr(origin, "__name__", "any")
    name = named.get(name, name)
    return name if name in ("bool", "int", "float", "str", "list", "dict", "set", "tuple") else "any"


def _default(field: Any) -> Any:
    """A field's default, pydantic's `Field(...)` unwrapped; a factory is called where it asks for nothing."""
    value, made = field.default, field.default_factory
    if type(value).__name__ == "FieldInfo":
        value, made = value.default, value.default_factory
    if made not in (None, dataclasses.MISSING, list, dict, set, tuple):
        try:
            value = made()
        except Exception:  # noqa: BLE001 - it wants what is not there; then it is no plain value either
            return None
    return None if value is dataclasses.MISSING or type(value).__name__ == "PydanticUndefinedType" else value
