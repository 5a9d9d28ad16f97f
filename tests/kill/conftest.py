"""The container store of the tests, as for those in `tests/real`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support import containers


@pytest.fixture
def suite_image(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The fake suite's image of a branch, in a store of the tests' own; skipped where podman can't work."""
    if reason := containers.missing():
        pytest.skip(reason)
    for name, value in containers.environment().items():
        monkeypatch.setenv(name, value)
    return containers.suite_image
