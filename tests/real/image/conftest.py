from __future__ import annotations

import pytest

from support.oci_registry import RealRegistry, missing


@pytest.fixture(scope="session")
def _programs():
    if reason := missing():
        pytest.skip(reason)


@pytest.fixture
def plain_registry(_programs, tmp_path):
    registry = RealRegistry(tmp_path / "plain", secure=False)
    yield registry
    registry.stop()


@pytest.fixture
def secure_registry(_programs, tmp_path):
    registry = RealRegistry(tmp_path / "secure", secure=True)
    yield registry
    registry.stop()


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    for name in (
        "OCI_REGISTRY_PULL_SECRET",
        "REGISTRY_AUTH_FILE",
        "XDG_CONFIG_HOME",
        "DOCKER_CONFIG",
        "SSL_CERT_FILE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
