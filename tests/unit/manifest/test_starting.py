"""How a container starts vLLM, without its arguments; and what of its environment is not told."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.manifest.kinds.runtimes import ReadRuntime, runtime_from

MODULE = ("python3", "-m", "vllm.entrypoints.openai.api_server")


def read(container: dict[str, Any], **spec: Any) -> ReadRuntime:
    whole = {"containers": [{"name": "kserve-container", "image": "x/vllm:1", **container}], **spec}
    found = runtime_from("r", {}, whole)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("container", "words", "script"),
    [
        ({"args": ["--port=1"]}, (), False),
        ({"command": ["vllm", "serve"], "args": ["--port=1"]}, ("vllm", "serve"), False),
        ({"command": ["vllm"], "args": ["serve", "/m", "--port=1"]}, ("vllm", "serve"), False),
        ({"command": [*MODULE, "--port=1"]}, MODULE, False),
        ({"args": [*MODULE, "--port=1"]}, MODULE, False),
        ({"command": ["/bin/sh", "-c"], "args": ["exec vllm serve /m"]}, ("vllm", "serve"), True),
        ({"command": ["bash", "-c", f"{' '.join(MODULE)} --port 1"]}, MODULE, True),
        ({"command": ["env", "A=1", "vllm", "serve", "/m"]}, ("env", "A=1", "vllm", "serve"), False),
    ],
)
def test_the_words_that_start_vllm(container: dict[str, Any], words: tuple[str, ...], script: bool) -> None:
    assert read(container).starting == (words, script)


def test_what_a_runtime_says_of_its_memory_and_what_it_keeps_to_itself() -> None:
    found = read(
        {
            "env": [
                {"name": "A", "value": "1"},
                {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                {"name": "PASSWORD", "value": "hunter2hunter2"},
            ],
            "envFrom": [{"secretRef": {"name": "all"}}],
            "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
            "resources": {"limits": {"memory": "8Gi"}},
            "ports": [{"containerPort": 8081}],
        },
        volumes=[{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}],
    )
    assert (found.shm_mib, found.memory_limit_mib, found.port) == (2048, 8192, 8081)
    assert found.withheld == ("HF_TOKEN", "PASSWORD", "all of Secret all")
    assert "hunter2" not in str(found.environment)
