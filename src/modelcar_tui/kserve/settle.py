"""An object as an API server keeps it: unknown fields dropped, defaults set, nulls left out.

The order is the server's own (apiextensions-apiserver, pkg/apiserver/schema: `pruning`, `defaulting`).
"""

from __future__ import annotations

import copy
import difflib
import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kserve.schemas import Schema

MAX_VALUES = 50_000
MAX_DEPTH = 100
MOST_COMPARED = 100
"""So many unknown fields are compared with those that are known."""
_NAME = re.compile(r"[-\w$]+")
_OPEN = "x-kubernetes-preserve-unknown-fields"


class UnfitError(Exception):
    """The object can't be written as JSON, or is too large to be walked. `problem` says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def step(path: str, key: str) -> str:
    """A path's next field, as the API server writes it: `spec.model`, `metadata.labels[a/b]`."""
    name, in_brackets = _shown(key)
    if in_brackets:
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


@lru_cache(4096)
def _shown(key: str) -> tuple[str, bool]:
    """A field's name fit to be shown, and whether it would break a path in parts."""
    name = clean(key, limit=100)
    return name, _NAME.fullmatch(name) is None


def plain(value: Any) -> Any:
    """The value as JSON has it: YAML's whole numbers and truth values as keys become text, dates too.

    Raises:
        UnfitError: JSON has no such value, or there are more than `MAX_VALUES` of them (aliases of YAML count
            as often as they stand there), or they are nested deeper than `MAX_DEPTH`.
    """
    return _plain(value, "", 0, iter(range(MAX_VALUES)))


def _plain(value: Any, path: str, depth: int, budget: Iterator[int]) -> Any:
    if next(budget, None) is None or depth > MAX_DEPTH:
        what = f"more than {MAX_VALUES:,} values, or deeper than {MAX_DEPTH}: it is not checked"
        raise UnfitError(Problem(where=path, what=what, code="too-large"))
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {
            (name := _key(key, path)): _plain(inner, step(path, name), depth + 1, budget)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{path}[{at}]", depth + 1, budget) for at, inner in enumerate(value)]
    what = f"JSON has no value of this kind ({type(value).__name__})"
    raise UnfitError(Problem(where=path, what=what, code="type-wrong"))


def _key(key: Any, path: str) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return str(key)
    raise UnfitError(Problem(where=path, what="a field's name must be text", code="type-wrong"))


class Settled:
    """Settles values, and collects the fields that were dropped."""

    def __init__(self, owner: str) -> None:
        """
        Args:
            owner: who does not know the fields, for the sentence: `InferenceService of OpenShift AI 3.4`.
        """
        self.owner = owner
        self.problems: list[Problem] = []

    def settle(self, value: Any, schema: Schema, path: str) -> Any:
        """The value as it is kept. What has a wrong type stays as it is, for the schema to refuse."""
        if isinstance(value, list) and isinstance(items := schema.get("items"), dict):
            return [self.settle(one, items, f"{path}[{at}]") for at, one in enumerate(value)]
        # A map among the alternatives of int-or-string is refused whole.
        if not isinstance(value, dict) or "x-kubernetes-int-or-string" in schema:
            return value
        return self._object(value, schema, path)

    def _object(self, value: dict[str, Any], schema: Schema, path: str) -> dict[str, Any]:
        known: dict[str, Schema] = schema.get("properties") or {}
        others = schema.get("additionalProperties")
        made: dict[str, Any] = {}
        for key, inner in value.items():
            of_key = known.get(key, others if isinstance(others, dict) else None)
            if of_key is not None:
                if inner is not None or of_key.get("nullable"):
                    made[key] = self.settle(inner, of_key, step(path, key))
            elif others is True or schema.get(_OPEN):
                made[key] = inner
            else:
                self.problems.append(self._unknown(key, known, path))
        for key, of_key in known.items():
            if key not in made and "default" in of_key:
                made[key] = self.settle(copy.deepcopy(of_key["default"]), of_key, step(path, key))
        return made

    def _unknown(self, key: str, known: Mapping[str, Schema], path: str) -> Problem:
        # A hostile object has a hundred thousand of them, and each comparison costs.
        near = _near(key[:100], known) if len(self.problems) < MOST_COMPARED else None
        return Problem(
            where=step(path, key),
            what=f"no field of {self.owner}: the server drops it without an error",
            fix=f"is it {near}?" if near else "take it out, or write it where it belongs",
            code="field-unknown",
        )


def _near(key: str, known: Mapping[str, Schema]) -> str | None:
    """The field that may have been meant."""
    same = [one for one in known if one.lower() == key.lower()]
    return next(iter(same or difflib.get_close_matches(key, known, 1, 0.75)), None)
