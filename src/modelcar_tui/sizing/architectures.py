"""Whether a release of vLLM knows an architecture."""

from __future__ import annotations

from modelcar_tui.data.architectures import architecture_table
from modelcar_tui.sizing.version import Profile

_READ = (0, 19)
_NEWEST = (0, 33)
_CONVERTED = (
    "ForSequenceClassification",
    "ForTextEncoding",
    "EmbeddingModel",
    "ForRewardModel",
    "RewardModel",
    "Model",
)
"""Endings for which vLLM turns the causal model into a pooling one (vllm model_executor/models/adapters.py)."""


def architecture_refused(arch: str, profile: Profile) -> str:
    """Why this release does not load `arch`; the empty text when it does or when that is not known."""
    if not arch or not profile.known:
        return ""
    table, release = architecture_table(), profile.release
    last = table.last.get(arch)
    if last is not None and release > _numbers(last):
        return f"vLLM dropped {arch} after {last}, this is {profile.label}"
    first = table.first.get(arch)
    if first is not None and release < _numbers(first):
        return f"vLLM knows {arch} from {first} on, this is {profile.label}"
    if release <= _READ and arch in table.only_0_33:
        return f"vLLM learned {arch} after 0.19, this is {profile.label}"
    return ""


def architecture_unsure(arch: str, profile: Profile) -> str:
    """Why it is not known whether this release loads `arch`; the empty text when it does."""
    if not arch or not profile.known:
        return ""
    table, release = architecture_table(), profile.release
    if _READ < release < _NEWEST and arch in table.only_0_33:
        return f"vLLM learned {arch} somewhere between 0.19 and 0.33; whether {profile.label} has it is not known"
    listed = arch in table.both or arch in table.only_0_19 or arch in table.only_0_33 or arch in table.last
    if listed or _converted(arch) in table.both | table.only_0_33:
        return ""
    return f"vLLM's registry does not list {arch}; only its Transformers backend might run it"


def _converted(arch: str) -> str:
    ending = next((ending for ending in _CONVERTED if arch.endswith(ending)), "")
    return arch.removesuffix(ending) + "ForCausalLM" if ending else arch


def _numbers(release: str) -> tuple[int, int]:
    major, minor, *_ = release.split(".")
    return int(major), int(minor)
