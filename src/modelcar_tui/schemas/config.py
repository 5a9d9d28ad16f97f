"""The JSON Schema of the operator's settings file, for editors that read TOML.

It is made from the table of settings. What is narrower than a type is asked of `RunSettings`: most settings
become its fields.
"""

from __future__ import annotations

from typing import Any

from modelcar_tui.core.keymap import ACTS
from modelcar_tui.core.settings_table import KEYS, ROLES, THEMES, Kind, default_said, described, variable_of
from modelcar_tui.schemas.settings import RunSettings

_SHAPES: dict[Kind, dict[str, Any]] = {
    Kind.CHOICE: {"type": "string"},
    Kind.TRUTH: {"type": "boolean"},
    Kind.PATH: {"type": "string", "pattern": "^[/~]"},
    Kind.PATHS: {"type": "string", "pattern": "^[/~][^:]*(:[/~][^:]*)*$"},
    Kind.TEXT: {"type": "string", "minLength": 1},
    Kind.TEXTS: {"type": "array", "items": {"type": "string", "minLength": 1}},
    Kind.SECONDS: {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e7},
    Kind.WHOLE: {"type": "integer"},
}
_NARROWER = ("pattern", "items", "minimum", "maximum", "exclusiveMaximum", "exclusiveMinimum")


def config_schema() -> dict[str, Any]:
    """The schema of the whole file, without `$schema`."""
    narrower = RunSettings.model_json_schema()["properties"]
    tree = _tree(narrower, in_profiles=False)
    tree["properties"] |= {
        "keys": _keys(),
        "profiles": {
            "type": "object",
            "description": "For each cluster a table of settings, which count before those above it.",
            "additionalProperties": {"$ref": "#/definitions/profile"},
        },
        "themes": {
            "type": "object",
            "description": "Themes of your own, by name.",
            "propertyNames": {"not": {"enum": list(THEMES)}},
            "additionalProperties": {"$ref": "#/definitions/theme"},
        },
    }
    return {
        "title": "modelcar-tui's settings",
        "description": "~/.config/modelcar-tui/config.toml; no secret belongs in it.",
        **tree,
        "definitions": {"profile": _tree(narrower, in_profiles=True), "theme": _theme()},
    }


def _tree(narrower: dict[str, Any], *, in_profiles: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, key in KEYS.items():
        if in_profiles and not key.in_profiles:
            continue
        table, _, last = name.rpartition(".")
        place = properties.setdefault(table, _object({}))["properties"] if table else properties
        place[last] = _one(name, narrower)
    return _object(properties)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _one(name: str, narrower: dict[str, Any]) -> dict[str, Any]:
    key = KEYS[name]
    said = described(name)
    about = f"{said[0].upper()}{said[1:]}. Default: {default_said(name)}. Variable: {variable_of(name)}."
    shape = {**_SHAPES[key.kind], "description": about}
    if name == "theme":
        shape["anyOf"] = [{"enum": list(key.choices)}, {"pattern": "^[A-Za-z0-9_-]+$"}]
    elif key.choices:
        shape["enum"] = list(key.choices)
    field = narrower.get(key.dest, {})
    for told in (field, *field.get("anyOf", ())):
        shape |= {word: value for word, value in told.items() if word in _NARROWER}
    if key.default is not None:
        shape["default"] = key.default
    return shape


def _keys() -> dict[str, Any]:
    one = {"type": "string", "minLength": 1}
    shape = {"anyOf": [one, {"type": "array", "items": one}]}
    return {"description": "Keys of your own: docs/keys.md.", **_object(dict.fromkeys(ACTS, shape))}


def _theme() -> dict[str, Any]:
    colour = {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"}
    roles = {role: {"type": "string", "description": f"Style of {where}."} for role, where in ROLES.items()}
    base = {"enum": list(THEMES), "default": "dark", "description": "The theme whose roles it takes over."}
    return _object({"base": base, "background": colour, "surface": colour, **roles})
