"""One image's surprise is that image's problem: the others are read as ever, and its name still tells
something."""

from __future__ import annotations

from typing import Any

import pytest
from image_kit import olot

from modelcar_tui.core.facts import Source
from modelcar_tui.image import inspect as inspecting
from modelcar_tui.image.cache import ImageCache
from modelcar_tui.image.files import layers
from modelcar_tui.image.inspect import inspect_images
from modelcar_tui.image.registry import image as of_registry
from modelcar_tui.image.registry.http import Http
from modelcar_tui.image.registry.session import RegistrySession
from modelcar_tui.image.types import ImageFacts

KINDS = (RuntimeError, MemoryError, KeyError, UnicodeEncodeError, OSError, TimeoutError)


def made(kind: type[BaseException]) -> BaseException:
    if kind is UnicodeEncodeError:
        return UnicodeEncodeError("ascii", "planted", 0, 1, "planted")
    return kind("planted")


def for_bad(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, kind: type[BaseException]) -> None:
    """`room.name` raises where one of its arguments is about the image `bad`."""
    real = getattr(room, name)

    def raises(*args: Any, **kwargs: Any) -> Any:
        if "a/bad" in f"{args} {kwargs}":
            raise made(kind)
        return real(*args, **kwargs)

    monkeypatch.setattr(room, name, raises)


async def both(serve: Any, options: Any) -> tuple[ImageFacts, ImageFacts]:
    registry = serve({"a/bad-7b:1": olot(), "a/good-7b:1": olot()})
    pairs = [(f"oci://{registry.host}/a/{name}-7b:1", f"{name}-7b") for name in ("bad", "good")]
    found = {index: facts async for index, facts in inspect_images(pairs, options=options(registry))}
    return found[0], found[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("room", "name"),
    [
        (RegistrySession, "endpoints"),
        (Http, "_send"),
        (inspecting, "inspect_image"),
        (inspecting, "_finish"),
        (of_registry, "_placed"),
    ],
)
async def test_whatever_one_image_raises_the_other_is_read(
    serve: Any, options: Any, monkeypatch: pytest.MonkeyPatch, room: Any, name: str, kind: type[BaseException]
) -> None:
    for_bad(monkeypatch, room, name, kind)
    bad, good = await both(serve, options)
    assert good.problems == () and good.model.parameters.source is Source.HEADERS
    if name != "_placed":
        assert bad.model.parameters.source is Source.NAME and bad.problems
    assert "planted" not in str(bad.problems)


async def test_a_surprise_in_the_models_files_leaves_the_images_size(
    serve: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: Any, **__: Any) -> Any:
        raise KeyError("planted")

    monkeypatch.setattr(of_registry, "model_facts", raises)
    bad, _ = await both(serve, options)
    assert bad.size_bytes.known and bad.architectures.known
    assert any("KeyError in test_image_contain.py" in problem.what for problem in bad.problems)


async def test_a_surprise_in_one_layer_leaves_the_others(
    serve: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def raises(*_: Any, **__: Any) -> Any:
        raise KeyError("planted")

    monkeypatch.setattr(layers, "read_header", raises)
    bad, _ = await both(serve, options)
    assert bad.model.config is not None and bad.model.tensors is None
    assert any("layer sha256:" in problem.where for problem in bad.problems)


@pytest.mark.parametrize("name", ["digest_of", "get", "put"])
async def test_a_cache_that_fails_is_none(
    serve: Any, options: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def raises(*_: Any, **__: Any) -> Any:
        raise RuntimeError("planted")

    monkeypatch.setattr(ImageCache, name, raises)
    bad, good = await both(serve, options)
    assert bad.problems == good.problems == ()
    assert good.model.parameters.source is Source.HEADERS
