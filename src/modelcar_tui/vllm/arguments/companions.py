"""Arguments that the server refuses beside one another, or without another one, before it opens its port.

From vLLM's entrypoints: validate_parsed_serve_args, validate_grpc_port_arg and
dp_supervisor.validate_multi_port_external_lb_args; utils/argparse_utils.py for `--config`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from modelcar_tui.vllm.arguments.fault import ArgumentFault
from modelcar_tui.vllm.arguments.object_rules import object_fault
from modelcar_tui.vllm.arguments.parsing import (
    Argument,
    dotted_object,
    gather,
    has_switch,
    last_given,
    last_value,
)
from modelcar_tui.vllm.arguments.values import object_of, tokens_in
from modelcar_tui.vllm.arguments.variables import may_hold_anything
from modelcar_tui.vllm.release import reached

_MANY_PORTS, _GRPC_PORT = "--data-parallel-multi-port-external-lb", "--grpc-port"
_CONFIGS = (".yaml", ".yml")
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
Found = Iterator[tuple[Argument, ArgumentFault]]


def needed_beside(release: str) -> tuple[tuple[str, str], ...]:
    """Switches that this release's server refuses without another argument, and that other one."""
    return tuple(
        (switch, other)
        for switch, other, since, until in _NEEDS
        if reached(since, release) and not (until and reached(until, release))
    )


def refused_beside(arguments: tuple[Argument, ...], release: str) -> Found:
    """The arguments that a read release refuses because of others that are there, or are not."""
    for switch, other in () if may_hold_anything(arguments) else needed_beside(release):
        where = last_given(arguments, switch)
        if where is not None and has_switch(arguments, switch) and not _given(arguments, other):
            what = f"{switch} needs {other}: the server stops without it"
            yield where, ArgumentFault("needs-other", what, where.flag, f"add {other}")
    for one, other, since in _APART:
        where = last_given(arguments, one)
        if where is not None and reached(since, release) and _on(arguments, one) and _on(arguments, other):
            what = f"{one} and {other} exclude one another: the server stops"
            yield where, ArgumentFault("refused-beside", what, where.flag, f"delete {one} or {other}")
    yield from _ports(arguments, release)
    yield from _inside(arguments, release)


def _given(arguments: tuple[Argument, ...], flag: str) -> bool:
    """Whether a switch is there, or an argument with a value that is not empty."""
    where = last_given(arguments, flag)
    return where is not None and where.value != ""


def _on(arguments: tuple[Argument, ...], flag: str) -> bool:
    """Whether a switch is on, or another argument is given."""
    where = last_given(arguments, flag)
    return where is not None and not where.negated


def _ports(arguments: tuple[Argument, ...], release: str) -> Found:
    """What second listeners and open connections ask for."""
    port = last_given(arguments, _GRPC_PORT)
    if port is not None and port.value not in (None, "None"):
        what = f"{_GRPC_PORT} belongs to the Rust frontend of `vllm serve`: this server stops"
        yield port, ArgumentFault("refused-beside", what, port.flag, "delete it")
    file = last_given(arguments, "--config")
    if file is not None and file.separate and file.value and not file.value.endswith(_CONFIGS):
        what = f"--config={file.value}: it names a file that ends with .yaml or .yml"
        yield file, ArgumentFault("value-wrong", what, file.flag)
    alive = last_given(arguments, _ALIVE)
    if alive is not None and (tokens_in(alive.value) or 0) < 0:
        what = f"{_ALIVE}={alive.value}: it is 0 (none) or a number of seconds"
        yield alive, ArgumentFault("value-wrong", what, alive.flag, f"write {_ALIVE}=0", f"{_ALIVE}=0")
    many = last_given(arguments, _MANY_PORTS)
    if many is not None and has_switch(arguments, _MANY_PORTS) and (why := _ranks_fault(arguments)):
        what = f"{_MANY_PORTS} {why}: the server stops"
        yield many, ArgumentFault("refused-beside", what, many.flag, "delete it, or mend the sizes")


def _ranks_fault(arguments: tuple[Argument, ...]) -> str:
    """What is wrong with the sizes beside one port a rank."""

    def size(flag: str, default: int) -> int:
        number = tokens_in(last_value(arguments, flag))
        return default if number is None else number

    if any(argument.unknown for argument in arguments):
        return ""
    ranks, here = size("--data-parallel-size", 1), size("--data-parallel-size-local", 0)
    first = size("--data-parallel-start-rank", size("--node-rank", 0) * here)
    if (last_given(arguments, "--ssl-keyfile") is None) != (last_given(arguments, "--ssl-certfile") is None):
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


def _inside(arguments: tuple[Argument, ...], release: str) -> Found:
    """What is wrong inside of an object as a whole; dotted keys make one for each way to write the flag."""
    dotted: dict[str, dict[str, Any]] = {}
    last: dict[str, Argument] = {}
    for argument in arguments:
        if argument.flag is None or argument.value is None or argument.unknown:
            continue
        if argument.dotted:
            head = argument.written.partition(".")[0]
            gather(dotted_object(argument), dotted.setdefault(head, {}))
            last[head] = argument
        elif told := object_of(argument.flag, argument.value):
            yield from _of_object(argument, told, release)
    for head, told in dotted.items():
        yield from _of_object(last[head], told, release)


def _of_object(argument: Argument, told: dict[str, Any], release: str) -> Found:
    found = object_fault(argument.name, told, release)
    if found is not None:
        whole = found.meant is not None and not argument.dotted
        meant = f"{argument.name}={json.dumps(found.meant)}" if whole else None
        fix = "mend the object" if found.meant else "delete it, or mend the object"
        yield (
            argument,
            ArgumentFault("value-wrong", f"{argument.name}: {found.why}", argument.flag, fix, meant),
        )
