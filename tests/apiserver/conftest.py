"""A real API server for a module's tests; `make test-apiserver` builds it and says where it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "cluster"))


def programs() -> Path:
    """The folder with kube-apiserver and etcd."""
    return Path(os.environ.get("MODELCAR_TUI_APISERVER", ""))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if items and not (programs() / "kube-apiserver").is_file():
        pytest.exit("MODELCAR_TUI_APISERVER names no folder with kube-apiserver: make test-apiserver", 4)
    for item in items:
        # A busy machine serves a real server slowly.
        item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A fresh server for the module."""
    from server import ApiServer

    running = ApiServer(programs(), tmp_path_factory.mktemp("apiserver"))
    try:
        running.start()
        yield running
    finally:
        running.stop()
