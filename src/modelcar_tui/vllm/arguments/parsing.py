"""A model's argument list as vLLM's own parser takes it apart.

vLLM's parser is argparse with a few liberties: underscores for dashes, unambiguous beginnings of a flag,
dotted keys that build a JSON object, `--no-` and (from 0.33) `--disable-` forms of switches, `-O3`.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any

import msgspec

from modelcar_tui.core.numbers import holds_mask
from modelcar_tui.manifest import SECRET_FLAGS, is_secret_flag, references
from modelcar_tui.vllm.argument_table import Flag, Row, known_arguments, shaped
from modelcar_tui.vllm.arguments.values import tokens_in
from modelcar_tui.vllm.readings import answering_release
from modelcar_tui.vllm.release import Version, parse_version

_NEGATIVE_NUMBER = re.compile(r"-\d+$|-\d*\.\d+$")
_NEGATIVE_SHARE = re.compile(r"-\d*\.\d+$")
_INVERSES = "0.33.0"
"""Since when `--enable-x` has a `--disable-x` form."""
_DOTTED = "0.9.2"
"""Since when `--x.key=1` is a key of the object that `--x` takes."""
_LEVEL_KEYS = "0.13.0"
"""Since when `-O.key` is a level, too, and no key of the compilation configuration."""
_SHORT, _LEVEL = "-O", "--optimization-level"
_LEVELS = (("0",), ("1",), ("2",), ("3",))


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """One flag with its value, or a stray item."""

    index: int
    """Of its first item in the list."""
    items: int = 1
    """How many items it spans."""
    written: str
    """The flag as it stands there; the whole item when it is no flag."""
    flag: Flag | None = None
    """None when this release's parser does not know it."""
    value: str | None = None
    negated: bool = False
    dotted: bool = False
    """`--compilation-config.level=3`: one key of a JSON object."""
    abbreviated: bool = False
    separator: bool = False
    """`--`: no flags after it."""
    candidates: tuple[str, ...] = ()
    """Flags that the written one could mean, when it is ambiguous."""

    @property
    def name(self) -> str:
        """The flag's full name, or what is written."""
        return self.flag.flag if self.flag else self.written

    @property
    def secret(self) -> bool:
        """Whether its value may be shown nowhere; also where flag and value are one item with a blank."""
        return is_secret_flag(canonical_flag(self.written.split(" ", 1)[0])) or self.name in SECRET_FLAGS

    @property
    def masked(self) -> bool:
        """Whether a secret stands in it, whose text is not kept: no change can tell it from others."""
        return self.secret or holds_mask(self.written) or holds_mask(self.value or "")

    @property
    def separate(self) -> bool:
        """Whether the value is an item of its own."""
        return self.items > 1

    @property
    def unknown(self) -> bool:
        """Whether Kubernetes puts in its value, or the whole of an item that is no flag (`$(NAME)`).

        What is wrong with any value (a flag that is not known or takes none) is wrong with that one, too.
        """
        if self.flag is None:
            return bool(references(self.written.split(" ", 1)[0]))
        return not self.flag.valueless and bool(references(self.value or ""))

    @property
    def is_flag(self) -> bool:
        """Whether it looks like a flag at all."""
        return self.written.startswith("-") and not _NEGATIVE_NUMBER.match(self.written)


@lru_cache(maxsize=1024)
def parse_arguments(args: tuple[str, ...], vllm: str | None) -> tuple[Argument, ...]:
    """The arguments in their order, each flag with the items that belong to it."""
    names = _names(answering_release(parse_version(vllm), known_arguments().versions))
    found: list[Argument] = []
    index = 0
    rest = False
    while index < len(args):
        argument = Argument(index=index, written=args[index]) if rest else _read(args, index, names)
        if args[index] == "--" and not rest:
            rest, argument = True, Argument(index=index, written="--", separator=True)
        found.append(argument)
        index += argument.items
    return tuple(found)


def flag_exists(flag: Flag, vllm: str | None) -> bool:
    """Whether this release has the flag."""
    release = parse_version(answering_release(parse_version(vllm), known_arguments().versions)) or ()
    return _exists(flag, release)


def flags_of(vllm: str | None) -> tuple[Flag, ...]:
    """Every argument of a release, in its shape there."""
    names = _names(answering_release(parse_version(vllm), known_arguments().versions))
    return tuple({flag.flag: flag for flag, _ in names.options.values()}.values())


def last_given(arguments: tuple[Argument, ...], flag: str) -> Argument | None:
    """The argument that counts for `flag`: the last one; None where none is given or the release has no such
    flag."""
    return next((one for one in reversed(arguments) if one.name == flag and one.flag is not None), None)


def last_value(arguments: tuple[Argument, ...], flag: str) -> str | None:
    """The value that counts for `flag`: the last one given; None where that one is not known here."""
    counts = [argument for argument in arguments if argument.name == flag and not argument.dotted]
    return counts[-1].value if counts and not counts[-1].unknown else None


def has_switch(arguments: tuple[Argument, ...], flag: str) -> bool | None:
    """Whether a switch is on (`--x`), off (`--no-x`) or not given (None)."""
    states = [not argument.negated for argument in arguments if argument.flag and argument.name == flag]
    return states[-1] if states else None


def canonical_flag(flag: str) -> str:
    """The flag with dashes for underscores, up to the first dot."""
    if not flag.startswith("--"):
        return flag
    head, dot, tail = flag[2:].partition(".")
    return "--" + head.replace("_", "-") + dot + tail


def dotted_object(argument: Argument, *, level: str = "level") -> dict[str, Any]:
    """`--x.a.b=1` as `{"a": {"b": 1}}`; `--x.a+=b,c` is a list (vllm utils/argparse_utils.py).

    Args:
        level: the key that `-O3` is in the releases before it was a level of its own.
    """
    if argument.written == _SHORT:
        return {level: _json_or_text(argument.value or "")}
    path = argument.written.partition(".")[2]
    text = argument.value or ""
    sized = argument.flag is not None and argument.flag.kind == "sized"
    found: Any = text.split(",") if path.endswith("+") else _json_or_text(text, sized=sized)
    for key in reversed(path.removesuffix("+").split(".")):
        found = {key: found}
    return found  # type: ignore[no-any-return]


def gather(more: dict[str, Any], found: dict[str, Any]) -> None:
    """One object into another, key by key; a later value wins."""
    for key, value in more.items():
        inner = found.get(key)
        if isinstance(value, dict) and isinstance(inner, dict):
            gather(value, inner)
        else:
            found[key] = value


def _json_or_text(text: str, *, sized: bool = False) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        number = tokens_in(text) if sized else None
        return text if number is None else number


class _Names(msgspec.Struct, frozen=True):
    """What one release's parser accepts: option string to flag and whether it negates."""

    options: dict[str, tuple[Flag, bool]]
    dotted: bool
    level_keys: bool


@lru_cache(maxsize=80)
def _names(release: str) -> _Names:
    version = parse_version(release) or ()
    inverses = parse_version(_INVERSES) or ()
    options: dict[str, tuple[Flag, bool]] = {}
    for row in known_arguments().flags:
        if not _exists(row, version):
            continue
        flag = _shape(row, version)
        for name in (flag.flag, *flag.aliases):
            options[name] = (flag, False)
        if flag.kind == "flag":
            for name in (flag.flag, *(alias for alias in flag.aliases if alias.startswith("--"))):
                options.setdefault("--no-" + name[2:], (flag, True))
            for prefix, inverse in (("--enable-", "--disable-"), ("--disable-", "--enable-")):
                if version >= inverses and flag.flag.startswith(prefix):
                    options.setdefault(inverse + flag.flag[len(prefix) :], (flag, True))
    dotted, level_keys = (version >= (parse_version(since) or ()) for since in (_DOTTED, _LEVEL_KEYS))
    return _Names(options, dotted, level_keys)


def _shape(row: Row, version: Version) -> Flag:
    forms = [form for form in row.forms if (parse_version(form.since) or ()) <= version]
    return shaped(row, forms[-1] if forms else row.forms[0])


def _exists(flag: Flag | Row, version: Version) -> bool:
    gone = parse_version(flag.gone) if flag.gone else None
    return (parse_version(flag.first) or ()) <= version and (gone is None or version < gone)


def _read(args: tuple[str, ...], index: int, names: _Names) -> Argument:
    item = args[index]
    if not looks_like_flag(item):
        return Argument(index=index, written=item)
    if found := _level(args, index, names):
        return found
    item = _compilation_key(item, names)
    head, equals, value = item.partition("=")
    head = canonical_flag(head)
    flag, negated, abbreviated, candidates = _resolve(head, names)
    if flag is None and not candidates and item[:2] in names.options and "." not in head:
        # The value follows its one-letter flag without a blank.
        return Argument(index=index, written=item[:2], flag=names.options[item[:2]][0], value=item[2:])
    if flag is None and " " in item and not equals:
        return Argument(index=index, written=item)  # argparse takes an item with a blank for a value
    taken = () if equals else _values(args, index + 1, names, head, flag)
    return Argument(
        index=index,
        items=1 + len(taken),
        written=head,
        flag=flag,
        value=value if equals else " ".join(taken) if taken else None,
        negated=negated,
        dotted="." in head,
        abbreviated=abbreviated,
        candidates=candidates,
    )


def _compilation_key(item: str, names: _Names) -> str:
    """`-O.key` as `-cc.key`, in the releases where it is a key of the compilation configuration."""
    key = names.dotted and not names.level_keys and item.startswith(_SHORT + ".")
    return "-cc" + item[2:] if key and _SHORT not in names.options else item


def _level(args: tuple[str, ...], index: int, names: _Names) -> Argument | None:
    """`-O3`, `-O=3` or `-O 3`: the optimization level, before 0.12 a key of the compilation configuration.

    None where `-O` is a flag as any other.
    """
    short, rest, following = args[index][:2], args[index][2:], args[index + 1 : index + 2]
    if short != _SHORT or not names.dotted or (rest[:1] == "." and not names.level_keys):
        return None
    key = names.options.get(_SHORT)
    entry = names.options.get(_LEVEL) or key
    if entry is None or not (rest or following in _LEVELS):
        return None
    value = rest.removeprefix("=") if rest else following[0]
    return Argument(
        index=index, items=1 if rest else 2, written=_SHORT, flag=entry[0], value=value, dotted=entry is key
    )


def _resolve(head: str, names: _Names) -> tuple[Flag | None, bool, bool, tuple[str, ...]]:
    """The flag that is meant, whether it is negated or abbreviated, and what an ambiguous one could mean."""
    base, key, _ = head.partition(".")
    exact = names.options.get(base)
    if len(base) < 2 or base == "--" or (key and not names.dotted):
        return None, False, False, ()
    if exact:
        return exact[0], exact[1], False, ()
    near = [name for name in names.options if name.startswith(base)]
    if len(near) == 1:
        flag, negated = names.options[near[0]]
        return flag, negated, True, ()
    return None, False, False, tuple(near[:6])


def _values(
    args: tuple[str, ...], start: int, names: _Names, head: str, flag: Flag | None
) -> tuple[str, ...]:
    """The items after a flag that are its value; a key of an object takes the next one whatever it is.

    A flag that this release does not know keeps the value that was meant for it: one finding, not two.
    """
    base, key, _ = head.partition(".")
    if key and flag:
        return args[start : start + 1]
    shape = flag or known_arguments().find(base)
    if shape is not None and shape.valueless and not key:
        return ()
    most = len(args) if shape is not None and shape.several else start + 1
    return tuple(takewhile(lambda item: _is_value(item, names), islice(args, start, most)))


def _is_value(item: str, names: _Names) -> bool:
    """vLLM reads `-0.5` as the key 5 of an object."""
    return not looks_like_flag(item) and not (names.dotted and _NEGATIVE_SHARE.match(item))


def looks_like_flag(item: str) -> bool:
    """Whether argparse takes an item for a flag: a dash, and no number after it."""
    return len(item) > 1 and item[0] == "-" and not _NEGATIVE_NUMBER.match(item)
