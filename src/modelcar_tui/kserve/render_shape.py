"""Whether the fields of an object that rendering touches have the form that Kubernetes gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.kserve.settle import step

_INSIDE = frozenset(
    [
        *("metadata", "spec", "predictor", "model", "template", "prefill", "worker", "workerSpec"),
        *("leaderWorkerTemplate", "leaderTemplate", "workerTemplate", "parallelism", "resources"),
        *("startupProbe", "readinessProbe", "livenessProbe"),
    ]
)
"""Mappings whose fields are looked at."""
_MAPPINGS = frozenset(["affinity", "annotations", "httpGet", "labels", "limits", "nodeSelector", "requests"])
"""Mappings with keys of their own."""
_OBJECTS = frozenset(
    [
        *("baseRefs", "containers", "env", "envFrom", "imagePullSecrets", "ports", "tolerations"),
        *("topologySpreadConstraints", "volumeMounts", "volumes"),
    ]
)
"""Lists of mappings."""
_TEXTS = frozenset(["args", "command"])
"""Lists of texts."""
_NAMES = ("name", "mountPath", "value")
_NAMED = ("containers", "env", "volumes")
"""Lists whose items have a name."""


def check_shape(body: dict[str, Any]) -> None:
    """Refuse an object with a field of another form.

    Raises:
        UserError: one problem a field.
    """
    title = f"{body.get('kind', '')} {_name(body)}".strip()
    problems = [
        Problem(where=f"{title}: {path}", what=what, fix="write it as Kubernetes has it", code="type-wrong")
        for path, what in _wrong(body, "")
    ]
    if problems:
        raise UserError(*problems)


def _name(body: dict[str, Any]) -> str:
    metadata = body.get("metadata")
    return clean(str(metadata.get("name", "")), limit=100) if isinstance(metadata, dict) else ""


def _wrong(value: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        here = step(path, key)
        if key in _INSIDE or key in _MAPPINGS:
            if not isinstance(inner, dict):
                yield here, "must be a mapping"
            elif key in _INSIDE:
                yield from _wrong(inner, here)
        elif key in _OBJECTS:
            yield from _wrong_items(key, inner, here)
        elif key in _TEXTS and not _is_texts(inner):
            yield here, "must be a list of texts"


def _wrong_items(key: str, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        yield path, "must be a list of mappings"
        return
    for index, item in enumerate(value):
        here = f"{path}[{index}]"
        if key in _NAMED and "name" not in item:
            yield here, "must have a name"
        for name in _NAMES:
            if name in item and not isinstance(item[name], str) and key != "tolerations":
                yield f"{here}.{name}", "must be a text"
        if key == "containers":
            yield from _wrong(item, here)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str | int | float) for item in value)
