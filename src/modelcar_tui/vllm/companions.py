"""Arguments that the server refuses beside one another, or without another one, before it opens its port.

From vLLM's entrypoints: validate_parsed_serve_args, validate_grpc_port_arg, validate_reasoning_effort_map and
dp_supervisor.validate_multi_port_external_lb_args; for connectors config/kv_transfer.py and
config/ec_transfer.py; for custom operations config/compilation.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from modelcar_tui.vllm.arguments import Argument, has_switch, last_value
from modelcar_tui.vllm.fault import Fault
from modelcar_tui.vllm.release import reached
from modelcar_tui.vllm.values import object_of, tokens

_MANY_PORTS, _GRPC_PORT = "--data-parallel-multi-port-external-lb", "--grpc-port"
_ALIVE = "--sse-keep-alive-interval"
_NEEDS = (
    ("--enable-auto-tool-choice", "--tool-call-parser", "0.6.0", ""),
    ("--enable-reasoning", "--reasoning-parser", "0.7.2", "0.9.0"),
    ("--enable-log-outputs", "--enable-log-requests", "0.11.0", ""),
)
"""Switches that the server refuses without another argument, since when, and up to when."""
_APART = (
    ("--enable-prompt-embeds", "--enable-prompt-adapter", "0.9.0"),
    ("--enable-per-request-metrics", "--disable-log-stats", "0.26.0"),
    (_MANY_PORTS, "--grpc", "0.22.0"),
    (_MANY_PORTS, "--uds", "0.22.0"),
    (_MANY_PORTS, "--data-parallel-rank", "0.22.0"),
    (_MANY_PORTS, "--data-parallel-external-lb", "0.22.0"),
    (_MANY_PORTS, "--data-parallel-hybrid-lb", "0.22.0"),
)
"""Arguments that it refuses together: the first of the two is the one to leave out."""
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Of requests, vllm/renderers (0.33.0)."""
_ROLES = (
    ("--kv-transfer-config", "kv_connector", "kv_role", "kv_both", "0.6.6"),
    ("--ec-transfer-config", "ec_connector", "ec_role", "", "0.11.1"),
)
"""A connector's object, its name, its role, the role that does all, and since when."""
_KV_ROLES = ("kv_producer", "kv_consumer", "kv_both")
_OPERATIONS = "0.11.0"
"""Since when the syntax of custom operations is checked."""
Found = Iterator[tuple[Argument, Fault]]


def needed(release: str) -> tuple[tuple[str, str], ...]:
    """Switches that this release's server refuses without another argument, and that other one."""
    return tuple(
        (switch, other)
        for switch, other, since, until in _NEEDS
        if reached(since, release) and not (until and reached(until, release))
    )


def refused_beside(arguments: tuple[Argument, ...], release: str) -> Found:
    """The arguments that a read release refuses because of others that are there, or are not."""
    for switch, other in needed(release):
        where = _at(arguments, switch)
        if where is not None and has_switch(arguments, switch) and not _given(arguments, other):
            what = f"{switch} needs {other}: the server stops without it"
            yield where, Fault("needs-other", what, where.flag, f"add {other}")
    for one, other, since in _APART:
        where = _at(arguments, one)
        if where is not None and reached(since, release) and _on(arguments, one) and _on(arguments, other):
            what = f"{one} and {other} exclude one another: the server stops"
            yield where, Fault("refused-beside", what, where.flag, f"delete {one} or {other}")
    yield from _ports(arguments, release)
    for argument in arguments:
        found = _object(argument)
        if found is not None:
            yield from _inside(argument, found, release)


def _at(arguments: tuple[Argument, ...], flag: str) -> Argument | None:
    return next((one for one in reversed(arguments) if one.name == flag and one.flag is not None), None)


def _given(arguments: tuple[Argument, ...], flag: str) -> bool:
    """Whether a switch is there, or an argument with a value that is not empty."""
    where = _at(arguments, flag)
    return where is not None and where.value != ""


def _on(arguments: tuple[Argument, ...], flag: str) -> bool:
    """Whether a switch is on, or another argument is given."""
    where = _at(arguments, flag)
    return where is not None and not where.negated


def _ports(arguments: tuple[Argument, ...], release: str) -> Found:
    """What second listeners and open connections ask for."""
    port = _at(arguments, _GRPC_PORT)
    if port is not None and port.value not in (None, "None"):
        what = f"{_GRPC_PORT} belongs to the Rust frontend of `vllm serve`: this server stops"
        yield port, Fault("refused-beside", what, port.flag, "delete it")
    alive = _at(arguments, _ALIVE)
    if alive is not None and (tokens(alive.value) or 0) < 0:
        what = f"{_ALIVE}={alive.value}: it is 0 (none) or a number of seconds"
        yield alive, Fault("value-wrong", what, alive.flag, f"write {_ALIVE}=0", f"{_ALIVE}=0")
    many = _at(arguments, _MANY_PORTS)
    if many is not None and has_switch(arguments, _MANY_PORTS) and (why := _ranks_fault(arguments)):
        what = f"{_MANY_PORTS} {why}: the server stops"
        yield many, Fault("refused-beside", what, many.flag, "delete it, or mend the sizes")


def _ranks_fault(arguments: tuple[Argument, ...]) -> str:
    """What is wrong with the sizes beside one port a rank."""

    def size(flag: str, default: int) -> int:
        number = tokens(last_value(arguments, flag))
        return default if number is None else number

    ranks, here = size("--data-parallel-size", 1), size("--data-parallel-size-local", 0)
    first = size("--data-parallel-start-rank", size("--node-rank", 0) * here)
    if (_at(arguments, "--ssl-keyfile") is None) != (_at(arguments, "--ssl-certfile") is None):
        return "needs --ssl-keyfile and --ssl-certfile together"
    if size("--api-server-count", 1) != 1:
        return "needs --api-server-count=1"
    if ranks < 2:
        return "needs --data-parallel-size above 1"
    if here < 2:
        return "needs --data-parallel-size-local of 2 or more"
    if here > ranks or ranks % here or first + here > ranks:
        return f"wants {ranks} ranks to be a multiple of the {here} that start here"
    return ""


def _object(argument: Argument) -> Mapping[str, Any] | None:
    """The object that an argument gives, or the part of one."""
    if argument.flag is None or argument.value is None:
        return None
    if not argument.dotted:
        return object_of(argument.flag, argument.value)
    key = argument.written.partition(".")[2]
    return {key: argument.value} if key else None


def _inside(argument: Argument, found: Mapping[str, Any], release: str) -> Found:
    name, flag = argument.name, argument.flag
    for owner, connector, role, both, since in _ROLES:
        if name == owner and not argument.dotted and reached(since, release):
            yield from _role(argument, found, (connector, role, both))
    given = found.get("kv_role") if name == "--kv-transfer-config" and not reached("0.9.0", release) else None
    if given is not None and given not in _KV_ROLES:  # later the key's type says so
        what = f"{name}: kv_role {given} must be one of {', '.join(_KV_ROLES)}"
        yield argument, Fault("value-wrong", what, flag)
    if name == "--compilation-config" and reached(_OPERATIONS, release):
        wrong = [str(one) for one in _words(found.get("custom_ops")) if not _is_operation(str(one))]
        if wrong:
            what = f"{name}: custom_ops {', '.join(wrong)}: each is all, none, +NAME or -NAME"
            yield argument, Fault("value-wrong", what, flag)
    if name == "--ec-manager-config" and found.get("manager_config") and not found.get(_MANAGER):
        what = f"{name}: manager_config needs {_MANAGER}"
        yield argument, Fault("value-wrong", what, flag)
    if name == "--reasoning-effort-map" and (why := _efforts(found)):
        yield argument, Fault("value-wrong", f"{name}: {why}", flag)


_MANAGER = "encoder_cache_manager_cls"


def _role(argument: Argument, found: Mapping[str, Any], names: tuple[str, str, str]) -> Found:
    connector, role, both = names
    if not found.get(connector) or found.get(role):
        return
    meant = f"{argument.name}={json.dumps({**found, role: both})}" if both else None
    what = f"{argument.name}: {connector} needs {role} beside it"
    yield argument, Fault("value-wrong", what, argument.flag, f"add {role} to the object", meant)


def _words(told: object) -> list[Any]:
    return [one for one in told if isinstance(one, str)] if isinstance(told, list) else []


def _is_operation(word: str) -> bool:
    return word in ("all", "none") or word[:1] in ("+", "-")


def _efforts(found: Mapping[str, Any]) -> str:
    unknown = sorted(set(found) - set(_EFFORTS))
    if unknown:
        return f"{', '.join(unknown)} is no effort; there are {', '.join(_EFFORTS)}"
    return "" if all(isinstance(value, str) for value in found.values()) else "an effort maps to a word"
