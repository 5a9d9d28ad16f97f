"""The manifest as the suite takes it: `model-car` as a list."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import ModelCar, inspect_text
from modelcar_tui.qa.from_objects import for_suite, model_cars

MAX_BYTES = 10 * 1024**2


class StagedManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is mounted into the container."""

    data: bytes
    models: tuple[str, ...]
    images: tuple[str, ...] = ()
    """Of each model, as they are written."""
    hosts: tuple[str, ...] = ()
    """Registry hosts of the images, in order of appearance."""
    single: tuple[bytes, ...] = ()
    """A manifest of each model alone."""


def stage_manifest(path: Path, output_types: Mapping[str, str] | None = None) -> StagedManifest:
    """Read the manifest; its bytes as they are when `model-car` is a list, else with the mapping in a list.
    Of Kubernetes objects and a command line a list is made of what can be tested.

    Args:
        path: of the manifest.
        output_types: of models of such a file by name, where something else than text is known.

    Raises:
        UserError: the file can't be read or holds no model.
    """
    import yaml

    data = _bytes(path)
    if (served := _served(data, path)) is not None:
        raw: Any = model_cars(for_suite(served)[0], output_types or {})
        data = yaml.safe_dump(raw, sort_keys=False).encode()
    else:
        raw = _document(data, path)
    items = raw.get("model-car") if isinstance(raw, dict) else None
    if isinstance(items, dict):
        raw["model-car"] = items = [items]
        data = yaml.safe_dump(raw, sort_keys=False).encode()
    models = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if not models:
        raise UserError(Problem(what="the manifest holds no model", where=str(path), code="manifest"))
    images = tuple(str(item.get("image") or "") for item in models)
    return StagedManifest(
        data=data,
        models=tuple(str(item.get("name") or "") for item in models),
        images=images,
        hosts=tuple(dict.fromkeys(filter(None, map(registry_host, images)))),
        single=tuple(
            yaml.safe_dump({**raw, "model-car": [item]}, sort_keys=False).encode() for item in models
        ),
    )


def _served(data: bytes, path: Path) -> tuple[ModelCar, ...] | None:
    """What a manifest of another kind serves; None for a model-car list, and for what is no manifest."""
    try:
        manifest, _ = inspect_text(data, str(path))
    except UserError:
        return None
    return manifest.models if manifest.shape in ("objects", "line") else None


def _bytes(path: Path) -> bytes:
    if not path.exists():
        raise UserError(Problem(what="there is no such manifest", where=str(path), code="manifest-missing"))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError("the file is larger than 10 MiB")
    except (OSError, ValueError) as error:
        raise _unstaged(path, error) from None
    return data


def _document(data: bytes, path: Path) -> Any:
    """What a YAML file holds."""
    import yaml

    try:
        return yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise _unstaged(path, error) from None


def _unstaged(path: Path, error: Exception) -> UserError:
    what = clean(str(error).splitlines()[0] if str(error) else type(error).__name__)
    return UserError(Problem(what=f"the manifest can't be staged: {what}", where=str(path), code="manifest"))


def registry_host(image: str) -> str:
    """The registry of an image reference, transport cut; empty where it names none."""
    bare = image.strip().partition("://")[2] or image.strip()
    head, slash, _ = bare.partition("/")
    return head if slash and ("." in head or ":" in head or head == "localhost") else ""
