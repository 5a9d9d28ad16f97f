"""Holds `llm_presets.json` against the configurations of KServe that it was read from.

    python tools/llm_presets.py CLONE

CLONE is a Git clone of the repository that the table names, bare or not, with the branches in it. A line for
each configuration whose script passes other arguments, has another /dev/shm or other variables than the
product says; exit status 1 where there is any.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from modelcar_tui.manifest.kinds.llm_presets import (
    MAIN,
    Release,
    Role,
    Shape,
    config_name,
    pod_text,
    preset_args,
    releases,
)

FACTS = {
    "model": "M",
    "publisher": "publishers/N/models/M",
    "tensor": 4,
    "expert": "",
    "data": 16,
    "data_local": 8,
    "rpc_port": 5600,
    "api_servers": 8,
    "offloading": None,
}
VALUES = {
    ".Spec.Model.Name": "M",
    ".ObjectMeta.Namespace": "N",
    "P.Tensor": "4",
    "or P.Data 1": "16",
    "or P.DataLocal 1": "8",
    "P.DataRPCPort": "5600",
}
"""What the actions of the templates give for these facts; conditions are all true."""
SET_BY_SCRIPT = {
    "${VLLM_API_SERVER_COUNT:-8}": "8",
    "${DP_ADDRESS}": "$(LWS_LEADER_ADDRESS)",
    "$START_RANK": "0",
}
LEFT_OUT = {
    *("${ACCESS_LOG_ARGS}", "${SHUTDOWN_TIMEOUT_ARGS}", "${KV_TRANSFER_ARGS}"),
    *("${VLLM_ADDITIONAL_ARGS}", "$@"),
}
_ELSE = re.compile(r"\{\{-?\s*else\s*-?\}\}.*?(?=\{\{-?\s*end)")
_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clone")
    clone = parser.parse_args().clone
    found = [line for release in releases() for line in differences(clone, release)]
    print(*found or ["every configuration passes what the table says"], sep="\n")
    return 1 if found else 0


def differences(clone: str, release: Release) -> Iterator[str]:
    """A line for each configuration of a release that is not as the table says."""
    for role in Role:
        for shape in (Shape.SINGLE, Shape.DATA):
            name = config_name(role, shape)
            pod = _pod(clone, release, role, name)
            said = yaml.safe_load(pod_text(shape))
            container, ours = _main(pod), _main(said)
            passed, wanted = _passed(container[release.script]), preset_args(release, role, shape, FACTS)
            if passed != wanted:
                yield f"{release.name}, {name}: passes {passed}, not {wanted}"
            if container["env"] != ours["env"]:
                yield f"{release.name}, {name}: its variables are {container['env']}"
            if said["volumes"][0] not in pod["volumes"]:
                yield f"{release.name}, {name}: /dev/shm is not {said['volumes'][0]}"


def _pod(clone: str, release: Release, role: Role, name: str) -> Any:
    path = f"{release.commit}:{release.path}/{name}.yaml"
    shown = subprocess.run(["git", "-C", clone, "show", path], check=True, capture_output=True, text=True)
    spec = yaml.safe_load(shown.stdout)["spec"]
    return (spec["prefill"] if role is Role.PREFILL else spec)["template"]


def _main(pod: Any) -> Any:
    return next(one for one in pod["containers"] if one["name"] == MAIN)


def _passed(items: list[str]) -> tuple[str, ...]:
    """The arguments behind the model, in the last `vllm serve` of a script."""
    script = next(one for one in items if "vllm serve" in one)
    line = _ACTION.sub(_value, _ELSE.sub("", script[script.rindex("vllm serve") :]))
    words = line.replace("\\\n", " ").replace('"', "").split()
    return tuple(SET_BY_SCRIPT.get(word, word) for word in words[3:] if word not in LEFT_OUT)


def _value(match: re.Match[str]) -> str:
    action = re.sub(r"\.Spec(?:\.Prefill)?\.Parallelism", "P", match[1])
    return "" if action == "end" or action.startswith("if ") else VALUES[action]


if __name__ == "__main__":
    sys.exit(main())
