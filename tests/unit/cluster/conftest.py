"""Node flavours as objects of the API."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent


@cache
def flavour_file() -> dict[str, Any]:
    """The table of flavours, each with the answer that the classifier must give."""
    return yaml.safe_load((HERE / "flavours.yaml").read_text())


def flavours() -> list[dict[str, Any]]:
    return flavour_file()["nodes"]


def as_node(flavour: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    """A flavour as a core/v1 Node."""
    spec: dict[str, Any] = {}
    if "provider_id" in flavour:
        spec["providerID"] = flavour["provider_id"]
    if "taints" in flavour:
        spec["taints"] = flavour["taints"]
    if flavour.get("unschedulable"):
        spec["unschedulable"] = True
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name or flavour["id"], "labels": dict(flavour["labels"])},
        "spec": spec,
        "status": {
            "capacity": flavour["capacity"],
            "allocatable": flavour["allocatable"],
            "conditions": [
                {
                    "type": "Ready",
                    "status": str(flavour.get("ready", "True")),
                    "reason": "KubeletReady",
                    "message": "",
                    "lastHeartbeatTime": "2026-11-01T00:00:00Z",
                    "lastTransitionTime": "2026-11-01T00:00:00Z",
                }
            ],
        },
    }
