"""Models that lie on this machine: a Hugging Face folder, a bare config.json, a GGUF file."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.image.combine import complete
from modelcar_tui.image.errors import ImageError
from modelcar_tui.image.files.found import (
    DOCUMENTS,
    INDEX,
    WEIGHTS,
    CountParameters,
    Found,
    WeightFile,
    model_facts,
    too_large,
)
from modelcar_tui.image.files.gguf import read_gguf
from modelcar_tui.image.files.safetensors import read_header
from modelcar_tui.image.files.source import FileSource
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.models import ModelFacts, guess_model

_INDEX_HEAD = 4096
_MOST_FILES = 2000


def read_local(source: str, *, name: str = "", count: CountParameters | None = None) -> ImageFacts:
    """Facts of a model folder, a `config.json` (under any name that ends in `.json`) or a `.gguf` file.

    Args:
        source: The path.
        name: A name for the guess of last resort; the folder's or file's own by default.
        count: How to count weights from a config.json, where there are no headers.

    Raises:
        UserError: the path does not exist, or is none of these.
    """
    path = Path(source).expanduser()
    found, problems = Found(), list[Problem]()
    try:
        if path.is_dir():
            _folder(path, found, problems)
        elif path.suffix == ".json":
            _document(path, "config.json", found)
        elif path.suffix == ".gguf":
            _drive(_weights(path, path.name, found, problems))
        else:
            what = "is no model folder, config.json or .gguf file" if path.exists() else "does not exist"
            raise _error(path, what)
    except OSError as error:
        raise _error(path, f"can't be read: {error.strerror}") from None
    if not found.documents and not found.weights:
        raise _error(path, "; ".join(found.notes) or "has no config.json and no weights")
    problems.extend(Problem(what=note, where=str(path), code="image-malformed") for note in found.notes)
    facts = _without_name_for_config(model_facts(found, count=count), path, name)
    size = msgspec.structs.replace(facts.weight_bytes, unit="B")
    return ImageFacts(
        reference=clean(source, limit=1000),
        size_bytes=size,
        model=facts,
        layout="folder" if path.is_dir() else "file",
        problems=tuple(problems),
    )


def is_local(source: str) -> bool:
    """Whether `source` means a path rather than an image reference: it exists, or is written as a path."""
    return (
        source.startswith(("/", "./", "../", "~"))
        or source.endswith((".json", ".gguf"))
        or Path(source).exists()
    )


def _without_name_for_config(facts: ModelFacts, path: Path, name: str) -> ModelFacts:
    """Folders are often named after their model, a bare config.json never is."""
    words = name or ("" if path.suffix == ".json" else path.resolve().name)
    return complete(facts, guess_model(words) if words else ModelFacts(), facts.weight_bytes)


def _folder(path: Path, found: Found, problems: list[Problem]) -> None:
    files = sorted(path.iterdir())[:_MOST_FILES]
    for file in files:
        if file.name in DOCUMENTS and file.is_file():
            _document(file, file.name, found)
        elif file.name == INDEX and file.is_file():
            with file.open("rb") as stream:
                found.add_index(file.name, stream.read(_INDEX_HEAD))

    async def all_weights() -> None:
        for file in files:
            if file.name.endswith(WEIGHTS) and file.is_file():
                await _weights(file, file.name, found, problems)

    _drive(all_weights())


def _document(file: Path, name: str, found: Found) -> None:
    if why := too_large(name, file.stat().st_size):
        found.leave(name, why)
        return
    with file.open("rb") as stream:
        raw = stream.read(DOCUMENTS[name] + 1)  # a pipe has no size of its own
    if why := too_large(name, len(raw)):
        found.leave(name, why)
    else:
        found.add_document(name, raw)


async def _weights(file: Path, name: str, found: Found, problems: list[Problem]) -> None:
    source = FileSource(file)
    try:
        found.weights[name] = WeightFile(size=source.size)
        if name.endswith(".safetensors"):
            header = await read_header(source, 0, source.size)
            found.weights[name] = WeightFile(size=source.size, header=header)
        elif name.endswith(".gguf"):
            found.weights[name] = WeightFile(size=source.size, gguf=await read_gguf(source, 0, source.size))
    except ImageError as error:
        problems.append(msgspec.structs.replace(error.problem, where=str(file)))
    finally:
        source.close()


def _drive(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a reader over a `FileSource`, which never waits: it needs no event loop, nor the absence of one."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("a local reader waited")


def _error(path: Path, what: str) -> UserError:
    fix = "give an image reference, a model folder, a config.json or a .gguf file"
    return UserError(Problem(what=what, where=clean(str(path)), fix=fix, code="model-source"))
