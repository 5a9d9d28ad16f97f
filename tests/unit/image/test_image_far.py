"""Many images of one registry that is far away, wants a login, or has too many requests."""

from __future__ import annotations

import threading
import time

import pytest
from image_kit import PARAMETERS, olot

from modelcar_tui.image.inspect import inspect_images
from modelcar_tui.image.options import ImageOptions

MANY = 40


class Crowd:
    """Counts the requests that are under way at once; refuses those above `most`."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self.under_way = self.peak = self.refused = 0
        self._lock = threading.Lock()

    def __call__(self, handler, path: str) -> bool:
        with self._lock:
            self.under_way += 1
            self.peak = max(self.peak, self.under_way)
            many = self.under_way > self.most
            self.refused += many
        time.sleep(0.03)
        with self._lock:
            self.under_way -= 1
        if many:
            handler.error(429, "TOOMANYREQUESTS", {"Retry-After": "0"})
        return many


async def look_at_all(registry, options: ImageOptions) -> None:
    pairs = [(f"{registry.host}/a/m{number}:1", f"m{number}") for number in range(MANY)]
    seen = [facts async for _, facts in inspect_images(pairs, options=options)]
    assert [one.model.parameters.value for one in seen] == [PARAMETERS] * MANY


@pytest.fixture
def images():
    return {f"a/m{number}:1": olot() for number in range(MANY)}


async def test_as_many_at_once_as_a_host_bears_and_no_more_than_the_limit(serve, options, images):
    registry, crowd = serve(images), Crowd()
    registry.intercept = crowd
    await look_at_all(registry, options(registry))
    assert 16 < crowd.peak <= 64


async def test_a_registry_with_too_many_requests_is_asked_less_and_all_are_read(serve, options, images):
    registry, crowd = serve(images), Crowd(most=12)
    registry.intercept = crowd
    await look_at_all(registry, options(registry))
    assert 0 < crowd.refused < 3 * MANY, "about thirty; a thousand where nothing narrows"


async def test_only_the_first_image_learns_that_a_host_wants_a_login(serve, options, images, monkeypatch):
    registry = serve(images, login="u:p", bearer=True)
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", pull_secret(registry.host))
    refused = []

    def count(handler, path: str) -> bool:
        if path.startswith("/v2/") and "Authorization" not in handler.headers:
            refused.append(path)
        return False

    registry.intercept = count
    await look_at_all(registry, options(registry))
    assert len(refused) == 1


def pull_secret(host: str) -> str:
    import base64
    import json

    return json.dumps({"auths": {host: {"auth": base64.b64encode(b"u:p").decode()}}})
