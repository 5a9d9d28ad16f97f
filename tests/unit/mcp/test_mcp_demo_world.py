"""Tools that ask a cluster and a registry: the demo's, over loopback, with the operator's login."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelcar_tui.demo import demo_settings, prepare_demo

IMAGE = "registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5"


def files(*folders: Path) -> dict[str, tuple[float, int]]:
    """When each file was written, and its length; of folders too."""
    found = [path for folder in folders for path in folder.rglob("*")]
    return {str(path): (path.lstat().st_mtime, path.lstat().st_size) for path in found}


async def test_the_operator_s_cluster_and_registry_are_asked_and_no_login_is_told(
    started: Callable[..., Any], tmp_path: Path, root: Path, state: Path
) -> None:
    """And of all tools together nothing is written but the cache of images."""
    demo = prepare_demo(demo_settings(state_dir=str(tmp_path / "demo")))
    assert demo.kubeconfig is not None
    assert demo.registries_conf is not None
    words = ("--kubeconfig", demo.kubeconfig, "--registries-conf", demo.registries_conf)
    (root / "m.yaml").write_text("model-car: []\n")
    before = files(tmp_path, state)
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
        for tool, asked in {"lint": {"path": "m.yaml"}, "list_runs": {}, "explain_run": {}}.items():
            assert not (await client.call_tool(tool, asked)).is_error
        for form in ("md", "json"):
            await client.read_resource(f"modelcar://runs/last/report.{form}")
    after = files(tmp_path, state)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    cache = str(tmp_path / ".cache")
    assert {name for name in changed if not name.startswith(cache)} <= {str(tmp_path / "talk")}
    assert (tmp_path / "talk").read_text() == ""
    assert any(name.startswith(f"{cache}/modelcar-tui/images/") for name in changed)
    token = json.loads(Path(demo.kubeconfig).read_text())["users"][0]["user"]["token"]
    assert len(token) > 8
    assert token not in json.dumps([seen.model_dump(mode="json"), image.model_dump(mode="json")])
