"""What KServe's own configurations start for an LLMInferenceService, release by release.

The controller merges one of them into each workload: `combineBaseRefsConfig` in KServe's
pkg/controller/v1alpha2/llmisvc/config_merge.go chooses by `worker`, `prefill` and `parallelism`. A new
release is one more entry at the head of llm_presets.json, which tools/llm_presets.py checks by a clone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec

from modelcar_tui.core.resources import table

ADDITIONAL_ARGS = "VLLM_ADDITIONAL_ARGS"
"""The variable that the script of every one of these configurations reads."""
MAIN = "main"
"""The container that serves."""
_ONLY_IMAGE = re.compile(
    r"config-llm-(?:(?:single|multi)-node-)?(?:pd-)?template-(?:nvidia|amd|intel|ibm)-[a-z0-9-]+\Z"
)
"""Configurations of RHOAI that a service names in `baseRefs` and that set the image for one maker's
accelerators and nothing else: config/overlays/odh/accelerators in the same repository."""
_PLACE = re.compile(r"\{(\w+)(\??)\}")


class Role(StrEnum):
    """What a workload does."""

    BOTH = "both"
    DECODE = "decode"
    PREFILL = "prefill"


class Shape(StrEnum):
    """Over how many pods it is spread, and by what."""

    SINGLE = "single"
    DATA = "data"
    PIPELINE = "pipeline"
    NONE = "none"
    """Workers, but nothing says how: no configuration is merged in."""


_CONFIGS = {
    (Role.BOTH, Shape.SINGLE): "config-llm-template",
    (Role.DECODE, Shape.SINGLE): "config-llm-decode-template",
    (Role.PREFILL, Shape.SINGLE): "config-llm-prefill-template",
    (Role.BOTH, Shape.DATA): "config-llm-worker-data-parallel",
    (Role.DECODE, Shape.DATA): "config-llm-decode-worker-data-parallel",
    (Role.PREFILL, Shape.DATA): "config-llm-prefill-worker-data-parallel",
    (Role.BOTH, Shape.PIPELINE): "config-llm-worker-pipeline-parallel",
    (Role.DECODE, Shape.PIPELINE): "config-llm-decode-worker-pipeline-parallel",
    (Role.PREFILL, Shape.PIPELINE): "config-llm-prefill-worker-pipeline-parallel",
}
PREFIX = "kserve-"
"""Before each of these names where the controller is not told another."""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The configurations of one release."""

    name: str
    repository: str
    branch: str
    commit: str
    path: str
    script: str
    """Where the script that starts vLLM stands: `command`, to which a container's own `args` are added, or
    `args`, whose place they take."""
    lora: bool = False
    """Whether the controller writes `--lora-modules` for `model.lora`."""
    offloading: bool = False
    """Whether there is a `kvCacheOffloading`."""
    claims: bool = False
    """Whether annotations can ask for devices by a ResourceClaim."""
    args: dict[str, tuple[str, ...]]
    """By shape, or by role where that has arguments of its own: groups of arguments, each left out where a
    value in it is not known."""


class _Table(msgspec.Struct, frozen=True):
    releases: tuple[Release, ...]


@cache
def releases() -> tuple[Release, ...]:
    """The newest first."""
    return table(__file__, "llm_presets.json", _Table).releases


def newest() -> Release:
    """What is taken where the cluster's release is not known."""
    return releases()[0]


def config_name(role: Role, shape: Shape) -> str:
    """The name of the configuration without the prefix; empty where the controller takes none."""
    return _CONFIGS.get((role, shape), "")


def sets_only_the_image(config: str) -> bool:
    """Whether a configuration is one of RHOAI's that only say which image serves on which accelerators."""
    return _ONLY_IMAGE.search(config) is not None


def preset_args(release: Release, role: Role, shape: Shape, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The arguments that the script passes by itself.

    Args:
        facts: values by the names in the table; None for what is not said, "" for a switch that is on.
    """
    groups = release.args.get(role.value) if shape is Shape.SINGLE else None
    groups = groups or release.args.get(shape.value, ())
    known = {"port": 8001 if role is Role.DECODE else 8000, **facts}
    return tuple(word for group in groups for word in _filled(group, known))


def _filled(group: str, known: Mapping[str, Any]) -> list[str]:
    needed = [name for name, optional in _PLACE.findall(group) if not optional]
    if any(known.get(name) is None for name in needed):
        return []
    words: list[str] = []
    for word in group.split():
        match = _PLACE.fullmatch(word)
        value = known.get(match[1]) if match else None
        if isinstance(value, tuple):
            words += value
        elif match is None or value is not None:
            words.append(_PLACE.sub(lambda found: str(known.get(found[1], "")), word))
    return words


def pod_text(shape: Shape) -> str:
    """The part of a pod that counts in all releases: main's environment and its shared memory.

    `/dev/shm` of the data parallel ones has 8 GiB, else 1 GiB.
    """
    size = "8Gi" if shape is Shape.DATA else "1Gi"
    return f"""\
containers:
- name: {MAIN}
  env:
  - {{name: HOME, value: /home}}
  - {{name: VLLM_LOGGING_LEVEL, value: INFO}}
  - {{name: HF_HUB_CACHE, value: /models}}
  volumeMounts:
  - {{name: dshm, mountPath: /dev/shm}}
volumes:
- name: dshm
  emptyDir: {{medium: Memory, sizeLimit: {size}}}
"""
