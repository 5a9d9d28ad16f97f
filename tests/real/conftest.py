"""Real programs for tests: a container store with the fake suite, and what a QA run needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support import containers


@pytest.fixture
def podman_store(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """podman works, in a store of the tests' own; skipped with the reason where it can't."""
    if reason := containers.missing():
        pytest.skip(reason)
    env = containers.environment()
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


@pytest.fixture
def suite_image(podman_store: dict[str, str]) -> Callable[..., str]:
    """The fake suite's image of a branch: `suite_image("3.2")`."""
    return containers.suite_image


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """A kubeconfig with a token, for suites that only read it."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: dev\n"
        "contexts: [{name: dev, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:6443'}}]\n"
        "users: [{name: u, user: {token: sha256~planted-token-of-the-kubeconfig}}]\n"
    )
    return path
