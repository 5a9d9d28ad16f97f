"""A list is as long as we say, whatever the server says of its end; what was read of it stays."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from modelcar_tui.cluster.inventory import read_inventory_of
from modelcar_tui.kube import bounds, objects
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.transport import Answer

NODE = {"metadata": {"name": "n"}}


class Pages:
    """A transport whose every list is made by `page(number)`."""

    server, via, limit_s = "https://api.test:6443", "", 5.0

    def __init__(self, page: Callable[[int], Any]) -> None:
        self._page = page
        self.asked = 0

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        self.asked += 1
        made = self._page(self.asked)
        if isinstance(made, Exception):
            raise made
        status = made.pop("status", 200) if isinstance(made, dict) else 200
        return Answer(status, made.pop("headers", {}), json.dumps(made).encode())

    def close(self) -> None:
        pass


def listed(token: object, *items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "metadata": {"continue": token}}


async def read(page: Callable[[int], Any]) -> tuple[int, str]:
    """Objects that were given, and why there are no more."""
    found = 0
    async with Client(Pages(page)) as client:  # type: ignore[arg-type]
        try:
            async for part in client.pages("/api/v1/nodes", objects.Node):
                found += len(part.items)
        except ClusterError as error:
            return found, str(error.problem)
    return found, ""


ENDLESS: dict[str, tuple[Callable[[int], Any], int, str]] = {
    "pages": (lambda number: listed(str(number), NODE), 6, "after 6 pages: at most 6 are read"),
    "the same token": (lambda number: listed(str(number % 3), NODE), 4, "token came twice"),
    "empty pages": (lambda number: listed(str(number)), 0, "3 empty pages came in a row"),
    "objects": (lambda number: listed(str(number), *[NODE] * 20), 60, "at most 50 objects are read"),
    "bytes": (
        lambda number: listed(str(number), {"metadata": {"name": "n" * 900}}),
        3,
        "at most 1.86265e-06 GiB",
    ),
    "a token of another type": (lambda number: listed(number, NODE), 1, "its continue token is no text"),
    "a flag as token": (lambda number: listed(True, NODE), 1, "its continue token is no text"),
}


@pytest.mark.parametrize("case", ENDLESS)
async def test_a_list_without_an_end_ends_and_what_was_read_stays(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PAGES": 6, "EMPTY_PAGES": 3, "ITEMS": 50, "BYTES": 2000}.items():
        monkeypatch.setattr(bounds, name, value)
    page, count, why = ENDLESS[case]
    found, told = await read(page)
    assert found == count and why in told
    assert "partial, because the server's list did not end after" in told


async def test_a_list_that_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LIST_S", -1.0)
    found, told = await read(lambda number: listed(str(number), NODE))
    assert found == 1 and "it took more than" in told


@pytest.mark.parametrize("items", ["x", 5, {"a": 1}, True])
async def test_items_that_are_no_list_are_no_empty_cluster(items: object) -> None:
    found, told = await read(lambda number: {"items": items})
    assert found == 0 and "no list" in told


async def test_a_list_of_as_many_pages_as_it_needs_is_whole() -> None:
    found, told = await read(lambda number: listed(str(number) if number < 300 else "", NODE))
    assert (found, told) == (300, "")


@pytest.mark.parametrize("error", [RuntimeError("x"), MemoryError(), UnicodeEncodeError("a", "b", 0, 1, "c")])
async def test_an_error_that_nobody_foresaw_costs_the_question(error: Exception) -> None:
    found, told = await read(lambda number: listed("2", NODE) if number == 1 else error)
    assert found == 1 and type(error).__name__ in told and "broken" not in told


async def test_a_server_that_asks_for_ever_longer_pauses_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("modelcar_tui.kube.client.asyncio.sleep", sleep)
    found, told = await read(lambda number: {"status": 429, "headers": {"Retry-After": "9" * 9}})
    assert found == 0 and "429" in told and sum(pauses) <= bounds.WAITS_S


async def test_an_inventory_of_an_endless_list_is_partial_and_says_why() -> None:
    tokens = itertools.cycle(("a", "b"))
    gpu = {
        "metadata": {"name": "g", "labels": {"nvidia.com/gpu.product": "NVIDIA-L40S"}},
        "status": {"allocatable": {"nvidia.com/gpu": "4"}, "capacity": {"nvidia.com/gpu": "4"}},
    }
    async with Client(Pages(lambda number: listed(next(tokens), gpu))) as client:  # type: ignore[arg-type]
        inventory = await read_inventory_of(client, lambda _: None)
    assert inventory.known and inventory.partial and [node.name for node in inventory.nodes] == ["g"]
    assert any("did not end" in problem.what for problem in inventory.problems)
