"""Names that vLLM looks up in a registry of its own: parsers, connectors, backends, formats.

The server looks parsers up before it opens its port (entrypoints validate_api_server_args), the engine the
others. A plug-in or a module's path registers more, so beside one no name is judged.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import msgspec

from modelcar_tui.vllm.arguments.fault import ArgumentFault
from modelcar_tui.vllm.arguments.parsing import Argument, has_switch
from modelcar_tui.vllm.arguments.values import object_of
from modelcar_tui.vllm.name_table import name_table
from modelcar_tui.vllm.release import reached

_SERVER, _ENGINE = "name-unknown", "setting-refused"
_SHOWN = 30
"""Names that a sentence lists."""


class _Named(msgspec.Struct, frozen=True, kw_only=True):
    """One value that is a name."""

    flag: str
    key: str = ""
    """Inside of the flag's object; empty for the flag's own value."""
    group: str
    """Of `names.json`."""
    since: str
    """Before, the parser itself lists what it takes, or nothing looks the name up."""
    code: str = _ENGINE
    what: str
    only_with: str = ""
    """A switch without which the name is never looked up."""
    opened_by: tuple[str, ...] = ()
    """Flags, or keys of the same object, that register more names."""
    any_case: bool = False
    paths: bool = False
    """Whether a dotted path of a class is taken, too."""


_REASONING = ("--reasoning-parser-plugin",)
NAMED = (
    _Named(
        flag="--tool-call-parser",
        group="tool-call parsers",
        since="0.6.3",
        code=_SERVER,
        what="tool-call parser",
        only_with="--enable-auto-tool-choice",
        opened_by=("--tool-parser-plugin",),
    ),
    _Named(
        flag="--reasoning-parser",
        group="reasoning parsers",
        since="0.11.1",
        code=_SERVER,
        what="reasoning parser",
        opened_by=_REASONING,
    ),
    _Named(
        flag="--structured-outputs-config",
        key="reasoning_parser",
        group="reasoning parsers",
        since="0.11.0",
        code=_SERVER,
        what="reasoning parser",
        opened_by=(*_REASONING, "reasoning_parser_plugin"),
    ),
    _Named(
        flag="--kv-transfer-config",
        key="kv_connector",
        group="kv connectors",
        since="0.9.0",
        what="KV connector",
        opened_by=("kv_connector_module_path",),
    ),
    _Named(
        flag="--ec-transfer-config",
        key="ec_connector",
        group="ec connectors",
        since="0.11.1",
        what="encoder cache connector",
        opened_by=("ec_connector_module_path",),
    ),
    _Named(
        flag="--distributed-executor-backend",
        group="executor backends",
        since="0.10.2",
        what="executor backend",
        paths=True,
    ),
    _Named(flag="--config-format", group="config formats", since="0.10.2", what="config format"),
    _Named(flag="--load-format", group="load formats", since="0.10.1", what="load format"),
    _Named(flag="--tokenizer-mode", group="tokenizer modes", since="0.12.0", what="tokenizer mode"),
    _Named(
        flag="--attention-backend",
        group="attention backends",
        since="0.13.0",
        what="attention backend",
        any_case=True,
    ),
    _Named(flag="--kv-cache-dtype", group="kv-cache dtypes", since="0.33.0", what="KV cache dtype"),
)
"""Every value that is looked up."""


def unknown_names(arguments: tuple[Argument, ...], release: str) -> Iterator[tuple[Argument, ArgumentFault]]:
    """The arguments that name what a read release has not registered."""
    for argument in arguments:
        if argument.flag is None or argument.value is None:
            continue
        for named in NAMED:
            if named.flag == argument.name and reached(named.since, release):
                yield from _looked_up(named, argument, arguments, release)


def _looked_up(
    named: _Named, argument: Argument, arguments: tuple[Argument, ...], release: str
) -> Iterator[tuple[Argument, ArgumentFault]]:
    name = _name(named, argument)
    known = name_table().names(named.group, release)
    if not name or not known or _is_known(named, name, known, release) or _open(named, argument, arguments):
        return
    since = name_table().since(named.group, name)
    near = "" if since else _near(name, known)
    hint = f", {near} is" if near else f"; it has {', '.join(sorted(known)[:_SHOWN])}"
    hint = f" (first in {since})" if since and not reached(since, release) else hint
    what = f"{argument.written}={argument.value}: {name} is no {named.what} of vLLM {release}{hint}"
    fix = f"write {near}" if near else f"name one that vLLM {release} has"
    meant = f"{named.flag}={near}" if near and not named.key else None
    yield argument, ArgumentFault(named.code, what, argument.flag, fix, meant)


def _name(named: _Named, argument: Argument) -> str:
    """The name; empty where none is told, or where the value is no text."""
    value = argument.value or ""
    if not named.key:
        return "" if argument.dotted or value == "None" else value
    if argument.dotted:
        return value if argument.written.partition(".")[2] == named.key else ""
    found = object_of(argument.flag, value) if argument.flag else None
    told = found.get(named.key) if found else None
    return told if isinstance(told, str) else ""


def _is_known(named: _Named, name: str, known: frozenset[str], release: str) -> bool:
    if named.paths and "." in name:
        return True
    if named.any_case:
        return name.upper() in known or (name.lower() == "auto" and reached("0.17.0", release))
    return name in known


def _open(named: _Named, argument: Argument, arguments: tuple[Argument, ...]) -> bool:
    """Whether the name is never looked up, or looked up among more than vLLM's own."""
    if named.only_with and not has_switch(arguments, named.only_with):
        return True
    inside = "".join(other.written + (other.value or "") for other in arguments if other.name == named.flag)
    given = {other.name for other in arguments if other.flag is not None}
    return any(one in given or (one in inside and not one.startswith("--")) for one in named.opened_by)


def _near(name: str, known: frozenset[str]) -> str:
    by_spelling = {other.lower().replace("_", "").replace("-", ""): other for other in sorted(known)}
    told = name.lower().replace("_", "").replace("-", "")[:100]
    near = difflib.get_close_matches(told, list(by_spelling), 1, 0.75)
    return by_spelling[near[0]] if near else ""
