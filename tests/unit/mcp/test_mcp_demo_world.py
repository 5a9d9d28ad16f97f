"""Tools that ask a cluster and a registry: the demo's, over loopback, with the operator's login."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelcar_tui.demo import demo_settings, prepare_demo

IMAGE = "registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5"


async def test_the_operator_s_cluster_and_registry_are_asked_and_no_login_is_told(
    started: Callable[..., Any], tmp_path: Path
) -> None:
    demo = prepare_demo(demo_settings(state_dir=str(tmp_path / "demo")))
    assert demo.kubeconfig is not None
    assert demo.registries_conf is not None
    words = ("--kubeconfig", demo.kubeconfig, "--registries-conf", demo.registries_conf)
    async with started(*words) as client:
        seen = await client.call_tool("inventory", {})
        told = seen.structured_content
        assert told["known"] is True
        assert told["access"] == "ok"
        assert told["usable_nodes"] >= 1
        assert told["runtime_image"]
        assert told["vllm"]
        assert told["checks"]
        image = await client.call_tool("estimate", {"source": f"oci://{IMAGE}", "gpu": "L40S"})
        assert image.structured_content["starts"] is True
        assert image.structured_content["figures"]["weights_gib"]["source"] == "safetensors headers"
    token = json.loads(Path(demo.kubeconfig).read_text())["users"][0]["user"]["token"]
    assert len(token) > 8
    assert token not in json.dumps([seen.model_dump(mode="json"), image.model_dump(mode="json")])
