"""Rules of a schema beyond its structure (`x-kubernetes-validations`), in the Common Expression Language.

The library that evaluates them is optional (the extra `cel`). A rule that can't be evaluated is said by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

from modelcar_tui.core.crash import kind as kind_of
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kserve.schemas import Schema
from modelcar_tui.kserve.settle import step

RULES = "x-kubernetes-validations"
LIBRARY = "cel-python"
_OF_A_CHANGE = re.compile(r"\boldSelf\b")


def broken(value: Any, schema: Schema, path: str) -> Iterator[Problem]:
    """The rules that a value breaks, and those of which nobody here can say whether it does.

    Rules on how an object may change (`oldSelf`) hold for a change only, and are left out.

    Args:
        value: settled, and right by its structure: a server evaluates no rule before.
        schema: its own.
        path: of the value in its object.
    """
    for place, rule, inner in _applying(value, schema, path):
        text = rule["rule"]
        if _OF_A_CHANGE.search(text):
            continue
        message = clean(rule.get("message") or f"breaks the rule {text}", limit=300)
        if find_spec("celpy") is None:
            from modelcar_tui.core.installing import install_libraries

            fix = install_libraries(LIBRARY)
            yield _unchecked(place, f"not checked without the library {LIBRARY}: {message}", fix)
            continue
        holds = _evaluated(text, inner)
        if isinstance(holds, str):
            yield _unchecked(
                place,
                f"the rule could not be evaluated ({holds}): {message}",
                "ask the server: --dry-run=server",
            )
        elif not holds:
            yield Problem(where=place, what=message, code="rule-broken")


def _unchecked(where: str, what: str, fix: str) -> Problem:
    return Problem(where=where, what=what, fix=fix, code="rule-unchecked")


def _applying(value: Any, schema: Schema, path: str) -> Iterator[tuple[str, dict[str, str], Any]]:
    """Every rule with its place and the value that it speaks of, for values that are there."""
    for rule in schema.get(RULES, ()):
        yield path, rule, value
    if isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        for at, one in enumerate(value):
            yield from _applying(one, items, f"{path}[{at}]")
    elif isinstance(value, dict):
        others = schema.get("additionalProperties")
        known = schema.get("properties") or {}
        for key, one in value.items():
            inner = known.get(key, others)
            if isinstance(inner, dict):
                yield from _applying(one, inner, step(path, key))


def _evaluated(rule: str, value: Any) -> bool | str:
    """Whether a rule holds; in words why nobody can tell."""
    try:
        return _program(rule)(value)
    except Exception as error:  # noqa: BLE001 - a library's own errors, and those of what it calls
        return kind_of(error)


@cache
def _program(rule: str) -> Callable[[Any], bool]:
    import celpy
    from celpy.adapter import json_to_cel

    environment = celpy.Environment()
    program = environment.program(environment.compile(rule))

    def holds(value: Any) -> bool:
        told = program.evaluate({"self": json_to_cel(value)})
        if not isinstance(told, celpy.celtypes.BoolType):
            raise TypeError("a rule says yes or no")
        return bool(told)

    return holds
