"""A QA run against the fake suite in a real container."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.qa_bench import Bench, podman


@pytest.fixture
def bench(tmp_path: Path, kubeconfig: Path, suite_image: Callable[..., str]) -> Iterator[Bench]:
    bench = Bench(tmp_path, kubeconfig, suite_image)
    yield bench
    for container in bench.containers():
        podman("rm", "--force", "--time=0", container, check=False)
