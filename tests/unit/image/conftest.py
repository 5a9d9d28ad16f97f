from __future__ import annotations

import pytest

from modelcar_tui.demo.registry import DemoRegistry
from modelcar_tui.image import read_small_files
from modelcar_tui.image.options import ImageOptions


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No auth file, proxy or registries.conf of this machine reaches a test."""
    for name in (
        "OCI_REGISTRY_PULL_SECRET",
        "REGISTRY_AUTH_FILE",
        "XDG_RUNTIME_DIR",
        "XDG_CONFIG_HOME",
        "DOCKER_CONFIG",
        "CONTAINERS_REGISTRIES_CONF",
        "SSL_CERT_FILE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    return home


@pytest.fixture
def serve():
    """Start loopback registries; all are stopped at the end."""
    running: list[DemoRegistry] = []

    def start(images, **options) -> DemoRegistry:
        running.append(DemoRegistry(images, **options))
        return running[-1]

    yield start
    for registry in running:
        registry.stop()


@pytest.fixture
def options(tmp_path):
    """Options for one registry, without skopeo unless asked for."""

    def make(registry=None, **more) -> ImageOptions:
        conf = str(registry.registries_conf_path) if registry is not None else None
        told = {
            "use_skopeo": False,
            "timeout_s": 10.0,
            "cache_dir": str(tmp_path / "cache"),
            "registries_conf": conf,
        }
        return ImageOptions(**(told | more))

    return make


@pytest.fixture
def read_small(serve, options):
    """Read an image's small files from a loopback registry; gives the registry, too."""

    async def of(image, *, budget: int = 8 << 20, **more):
        registry = serve({"a/model:1": image})
        found = await read_small_files(
            f"oci://{registry.host}/a/model:1", options=options(registry, **more), budget=budget
        )
        return found, registry

    return of
