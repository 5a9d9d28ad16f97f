"""A settled value held against its structural schema: types, required fields, what may stand in them.

The library walks; the sentences are ours, since its own quote the value, which may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kserve.schemas import Schema
from modelcar_tui.kserve.settle import step

Errors = Iterator[jsonschema.ValidationError]
FORMATS = {"int32": 2**31, "int64": 2**63, "date-time": 0}
"""The formats that the kept schemas name; of numbers the first that is too large. An API server takes a
number beyond int32 all the same: it is KServe's webhooks that can't read it."""
_INT_OR_STRING = "x-kubernetes-int-or-string"
_QUANTITY = "[numkMGTPE]"
"""Part of the pattern of Kubernetes' quantities, in all of their schemas."""
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a map of fields"),
    (type(None), "nothing (null)"),
)
_TYPES = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a map of fields",
}


def faults(value: Any, schema: Schema, path: str) -> list[Problem]:
    """What the server refuses of a value, each with its field.

    Args:
        value: JSON, as `settle` leaves it.
        schema: a structural one.
        path: of the value in its object.
    """
    return [_told(error, path) for error in _validator()(schema).iter_errors(value)]


@cache
def _validator() -> type[Validator]:
    # Draft 4 is what OpenAPI v3 is made from; the rest are Kubernetes' own words and Go's expressions.
    made: type[Validator] = jsonschema.validators.extend(
        jsonschema.Draft4Validator,
        {
            "type": _type,
            "anyOf": _any_of,
            "pattern": _pattern,
            "format": _format,
            _INT_OR_STRING: _int_or_string,
            "x-kubernetes-list-type": _list_type,
        },
        # To a server 8000.0 is a whole number.
        type_checker=jsonschema.Draft7Validator.TYPE_CHECKER,
    )
    return made


def _type(validator: Validator, wanted: str, value: Any, schema: Schema) -> Errors:
    if value is None and schema.get("nullable"):
        return
    if not validator.is_type(value, wanted):
        yield jsonschema.ValidationError("type")


def _any_of(validator: Validator, wanted: list[Schema], value: Any, schema: Schema) -> Errors:
    # Of these it only says again what `_int_or_string` says.
    if not schema.get(_INT_OR_STRING) and not any(
        validator.evolve(schema=one).is_valid(value) for one in wanted
    ):
        yield jsonschema.ValidationError("anyOf")


def _int_or_string(validator: Validator, wanted: bool, value: Any, schema: Schema) -> Errors:
    fits = isinstance(value, str) or validator.is_type(value, "integer")
    if wanted and not fits and not (value is None and schema.get("nullable")):
        yield jsonschema.ValidationError("int or string")


def _pattern(_: Validator, wanted: str, value: Any, __: Schema) -> Errors:
    if isinstance(value, str) and not _expression(wanted).search(value):
        yield jsonschema.ValidationError("pattern")


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """Go's expression as Python's: there `$` is the end of the text, here also before a last line end."""
    return re.compile(re.sub(r"(\\.)|\$(?![^\[]*\])", lambda found: found[1] or r"\Z", pattern), re.ASCII)


def _format(_: Validator, wanted: str, value: Any, __: Schema) -> Errors:
    limit = FORMATS.get(wanted, 0)
    if limit and isinstance(value, int) and not isinstance(value, bool) and not -limit <= value < limit:
        yield jsonschema.ValidationError("format")
    if wanted == "date-time" and isinstance(value, str) and not _is_time(value):
        yield jsonschema.ValidationError("format")


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _list_type(_: Validator, wanted: str, value: Any, schema: Schema) -> Errors:
    """Lists that are sets or maps hold nothing twice (apiextensions-apiserver, apiserver/schema/listtype)."""
    if not isinstance(value, list) or wanted == "atomic":
        return
    seen: set[str] = set()
    for at, one in enumerate(value):
        mark = one
        if wanted == "map":
            if not isinstance(one, dict):
                continue
            mark = {key: one[key] for key in schema["x-kubernetes-list-map-keys"] if key in one}
        text = json.dumps(mark, sort_keys=True)
        if text in seen:
            yield jsonschema.ValidationError("twice", path=[at])
        seen.add(text)


def _told(error: jsonschema.ValidationError, path: str) -> Problem:
    where = path
    for part in error.absolute_path:
        where = f"{where}[{part}]" if isinstance(part, int) else step(where, str(part))
    word = str(error.validator)
    wanted: Any = error.validator_value
    if word == "required":
        # The library names the field only in its sentence, which begins with it.
        missing = next(one for one in wanted if error.message.startswith(repr(one)))
        return Problem(where=step(where, missing), what="is missing", fix="add it", code="field-missing")
    if word in ("type", "anyOf", _INT_OR_STRING):
        form = _TYPES.get(wanted, str(wanted)) if word == "type" else "a whole number or text"
        fix = "put it in quotes" if "text" in form and isinstance(error.instance, int | float) else ""
        return Problem(
            where=where, what=f"must be {form}, is {_kind(error.instance)}", fix=fix, code="type-wrong"
        )
    if word in _SENTENCES:
        code, sentence = _SENTENCES[word]
        return Problem(where=where, what=sentence(wanted, error), code=code)
    return Problem(where=where, what=f"breaks the schema's {clean(word, limit=60)}", code="value-refused")


def _kind(value: Any) -> str:
    return next((words for kind, words in _KINDS if isinstance(value, kind)), type(value).__name__)


def _allowed(wanted: Any, _: jsonschema.ValidationError) -> str:
    return "must be one of " + ", ".join(clean(str(one)) or '""' for one in wanted)


def _form(wanted: Any, _: jsonschema.ValidationError) -> str:
    if _QUANTITY in wanted:
        return "must be a quantity, such as 8, 500m or 64Gi"
    return f"must match {clean(wanted, limit=200)}"


def _formatted(wanted: Any, _: jsonschema.ValidationError) -> str:
    if wanted == "date-time":
        return "must be a time, such as 2026-01-31T08:00:00Z"
    return f"is too large for {wanted}"


def _sentence(words: str) -> Callable[[Any, jsonschema.ValidationError], str]:
    return lambda wanted, _: words.format(wanted)


def _length(words: str, thing: str) -> Callable[[Any, jsonschema.ValidationError], str]:
    return lambda wanted, _: f"must have at {words} {several(wanted, thing)}"


_SENTENCES: dict[str, tuple[str, Callable[[Any, jsonschema.ValidationError], str]]] = {
    "enum": ("value-not-allowed", _allowed),
    "pattern": ("value-malformed", _form),
    "format": ("value-malformed", _formatted),
    "minimum": ("value-out-of-range", _sentence("must be {} or more")),
    "maximum": ("value-out-of-range", _sentence("must be {} or less")),
    "minLength": ("value-out-of-range", _length("least", "character")),
    "maxLength": ("value-out-of-range", _length("most", "character")),
    "minItems": ("value-out-of-range", _length("least", "item")),
    "maxItems": ("value-out-of-range", _length("most", "item")),
    "minProperties": ("value-out-of-range", _length("least", "field")),
    "maxProperties": ("value-out-of-range", _length("most", "field")),
    "x-kubernetes-list-type": ("value-twice", _sentence("stands in the list already")),
}
