"""What a release hears of the values that arguments put in the place of config.json's.

Since 0.11.1 a value that is an object is set after the ropes were read (vllm config/model.py
`_apply_dict_overrides`), and which of a rope's two names counts hangs on the transformers that a release
asks for: before 5 they are two fields, and each vLLM reads one of them; from 5 on they are one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelcar_tui.vllm.profile import Profile, profile_for

ROPE_SCALING, _PARAMETERS = "rope_scaling", "rope_parameters"
_LATE = (0, 11, 1)
READS_PARAMETERS = (0, 12, 0)
"""From here on `rope_parameters` is read; before, `rope_scaling` only."""
_ONE_FIELD = (0, 19, 1)
"""The first release that asks for transformers 5."""
YARN_IS_IN = (0, 30, 0)
"""From here on the positions count as stretched already where YaRN stretches them."""


def heard_overrides(overrides: Mapping[str, Any], vllm: str | None) -> dict[str, Any]:
    """The overrides without a rope that the release does not look at; all of them where it is not known."""
    profile = profile_for(vllm)
    if not profile.known:
        return dict(overrides)
    deaf = unheard(profile)
    return {key: value for key, value in overrides.items() if not (key == deaf and isinstance(value, dict))}


def unheard(profile: Profile) -> str:
    """The name of a rope that this release's `--hf-overrides` sets in vain; empty where both names count."""
    if profile.number < READS_PARAMETERS:
        return _PARAMETERS
    return ROPE_SCALING if profile.number < _ONE_FIELD else ""


def rope_key(vllm: str | None) -> str:
    """The name of a rope that this release reads."""
    return ROPE_SCALING if profile_for(vllm).number < READS_PARAMETERS else _PARAMETERS


def yarn_is_in(vllm: str | None) -> bool:
    """Whether the model's positions count as stretched by YaRN already."""
    return profile_for(vllm).number >= YARN_IS_IN


def rope_fault(overrides: Mapping[str, Any], vllm: str | None) -> str:
    """Why vLLM stops over a rope among the overrides that it hears; empty where it does not.

    `_get_and_verify_max_len` asks each rope for `rope_type`, and before 0.30 YaRN's for its original length;
    the older name `type` is put right before 0.11.1 only.
    """
    profile = profile_for(vllm)
    if not profile.known:
        return ""
    for key, rope in _ropes(heard_overrides(overrides, vllm)):
        if "rope_type" not in rope and (profile.number >= _LATE or "type" not in rope):
            return f"{key} of --hf-overrides has no rope_type"
        whole = rope.get("original_max_position_embeddings") is not None or profile.number >= YARN_IS_IN
        if rope.get("rope_type") == "yarn" and not whole:
            return f"{key} of --hf-overrides is YaRN without original_max_position_embeddings"
    return ""


def _ropes(overrides: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each rope of the top level; of those for several kinds of layer each one."""
    for key in (ROPE_SCALING, _PARAMETERS):
        rope = overrides.get(key)
        if isinstance(rope, dict) and rope:
            parts = [part for part in rope.values() if isinstance(part, dict)] or [rope]
            yield from ((key, part) for part in parts)
