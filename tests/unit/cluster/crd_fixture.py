"""Holds every object that a test gives a stub cluster against the schema of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from crd_support import faults_of

from modelcar_tui.demo.kube_store import Kind, Object, Store


@pytest.fixture(autouse=True)
def held_against_schemas(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test whose stub holds an object that no release would take; not one marked `odd_objects`."""
    found: list[str] = []
    put = Store.put

    def watched(self: Store, kind: Kind, values: Iterable[Object]) -> None:
        several = list(values)
        for value in several:
            found.extend(faults_of(kind, value))
        put(self, kind, several)

    monkeypatch.setattr(Store, "put", watched)
    yield
    if request.node.get_closest_marker("odd_objects") is None:
        assert not found, "\n".join(found)
