"""vLLM's backend for the models of transformers: which architectures it runs, and what it does not cut."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.vllm.profile import Profile
from modelcar_tui.vllm.release import parse_version

_COMES_WITH = (((0, 28, 0), "5.19.0"), ((0, 19, 1), "5.5.4"))
"""The transformers of a release's time, the newest first. Which models of an older one there were was not
read."""
_SETTABLE_SINCE = (0, 30, 0)
"""Models whose attention can be set count as well (vllm registry.py _try_resolve_transformers)."""
_UNPLANNED_SINCE = (0, 25, 0)
"""A model without a plan of its own is no longer refused with several GPUs
(model_executor/models/transformers/base.py recursive_replace)."""
_PACKED = {"GPTBigCodeForCausalLM": "mlp"}
"""Query, key and value in one matrix that vLLM takes apart (fusers/packed_qkv.py): attention is cut."""
_ATTENTION_SINCE = (0, 30, 0)
"""Layers that are no attention are refused (base.py _create_attention_instances)."""


class _Models(msgspec.Struct, frozen=True):
    takes: str
    settable: str
    heads: str
    whole: str


class _File(msgspec.Struct, frozen=True):
    source: str
    versions: dict[str, _Models]
    routed: dict[str, str]


class _Sets(msgspec.Struct, frozen=True):
    takes: frozenset[str]
    settable: frozenset[str]
    heads: frozenset[str]
    whole: frozenset[str]


@cache
def _file() -> _File:
    return table(__file__, "transformers_backend.json", _File)


@cache
def _sets(version: str) -> _Sets:
    found = _file().versions[version]
    return _Sets(*(frozenset(getattr(found, name).split()) for name in _Sets.__struct_fields__))


@cache
def _routed() -> list[tuple[tuple[int, ...], frozenset[str]]]:
    rows = ((parse_version(since) or (), names) for since, names in _file().routed.items())
    return sorted(((since[:3], frozenset(names.split())) for since, names in rows), reverse=True)


def _version(profile: Profile) -> str:
    return next((version for since, version in _COMES_WITH if profile.number >= since), "")


def backend_runs(arch: str, profile: Profile) -> bool | None:
    """Whether transformers has the model and vLLM can run it; None where the release's was not read."""
    version = _version(profile)
    if not version:
        return None
    models = _sets(version)
    return arch in models.takes or (arch in models.settable and profile.number >= _SETTABLE_SINCE)


def backend_routed(arch: str, profile: Profile) -> bool:
    """Whether the release's registry lists the architecture and leaves it to transformers."""
    return arch in next((names for since, names in _routed() if profile.number >= since), frozenset())


def uncut_by_transformers(arch: str, profile: Profile) -> str:
    """What tensor parallelism leaves whole of a model that the backend runs.

    Returns:
        `whole`: all layers; `heads`: all but query, key and value; `mlp`: all but the attention; empty:
        nothing, or it is not known.
    """
    version = _version(profile)
    if not version:
        return ""
    models = _sets(version)
    if arch in models.whole:
        return _PACKED.get(arch, "whole")
    return "heads" if arch in models.heads else ""


def transformers_fault(
    arch: str, profile: Profile, tp: int, *, only_attention: bool, encoder_decoder: bool = False
) -> str:
    """Why the backend does not build a model that it takes; the empty text where it does."""
    if encoder_decoder:
        return f"vLLM runs {arch} through transformers, and no encoder and decoder in one"
    if not only_attention and profile.number >= _ATTENTION_SINCE:
        return f"vLLM runs {arch} through transformers, and not its layers that are no attention"
    if tp > 1 and profile.number < _UNPLANNED_SINCE and uncut_by_transformers(arch, profile):
        return f"vLLM {profile.label} runs {arch} through transformers, which has no plan to cut it"
    return ""
