"""The values that KServe's configurations take from an LLMInferenceService.

They are filled from the service itself, not from what it is merged with: `ReplaceVariables` in
pkg/controller/v1alpha2/llmisvc/config_merge.go of KServe.
"""

from __future__ import annotations

import json

from modelcar_tui.kube import whole
from modelcar_tui.manifest.kinds.llm_names import Names
from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.kinds.pods import texts
from modelcar_tui.manifest.spans import Mapping, Sequence

_RPC_PORT, _API_SERVERS = 5555, 8
_FLAG = "--kv-transfer-config"


def facts_of(own: Mapping | None, names: Names, api_servers: str | None) -> dict[str, object]:
    """By the names in llm_presets.json; None for what is not said.

    Args:
        own: the service's own specification, or its `prefill`.
        names: those by which clients ask for it; the longer one needs the namespace.
        api_servers: the container's VLLM_API_SERVER_COUNT.
    """
    sizes = texts(below(own, "parallelism")) if own is not None else {}
    return {
        "model": names.model,
        "publisher": f"publishers/{names.namespace}/models/{names.model}" if names.namespace else None,
        "tensor": whole(sizes.get("tensor")),
        "expert": "" if sizes.get("expert") == "true" else None,
        "data": whole(sizes.get("data")) or 1,
        "data_local": whole(sizes.get("dataLocal")) or 1,
        "rpc_port": whole(sizes.get("dataRPCPort")) or _RPC_PORT,
        "api_servers": api_servers or _API_SERVERS,
    }


def offloading(own: Mapping | None, said: tuple[str, ...]) -> tuple[str, ...] | None:
    """What `kvCacheOffloading` comes to (`kvTransferConfig`); None where there is none, or where it gives way
    to an argument of the service's own. The script leaves it out for a vLLM before 0.22.0."""
    asked = below(own, "kvCacheOffloading") if own is not None else None
    if asked is None or any(_FLAG in word.replace("_", "-") for word in said):
        return None
    size = whole(texts(asked).get("cpu"))
    if size is None:
        return None
    extra: dict[str, object] = {
        "cpu_bytes_to_use": size,
        "eviction_policy": text_below(asked, "evictionPolicy") or "lru",
        "spec_name": "TieringOffloadingSpec",
    }
    tiers = below(asked, "secondary")
    folders = [
        {"root_dir": f"/mnt/kv-cache-{index}", "type": "fs"}
        for index, tier in enumerate(tiers.items if isinstance(tiers, Sequence) else ())
        if below(tier, "fileSystem") is not None
    ]
    if folders:
        extra["secondary_tiers"] = folders
    value = {"kv_connector": "OffloadingConnector", "kv_connector_extra_config": extra, "kv_role": "kv_both"}
    return (_FLAG, json.dumps(value, separators=(",", ":"), sort_keys=True))
