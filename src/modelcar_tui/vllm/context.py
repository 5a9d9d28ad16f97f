"""How long a context a release allows for a model, and which one it takes by itself."""

from __future__ import annotations

from modelcar_tui.models import Config, Positions, positions_with
from modelcar_tui.vllm.arguments.overrides import READS_PARAMETERS, YARN_IS_IN
from modelcar_tui.vllm.profile import Profile, hungriest_profile, profile_for

_UNSCALED = frozenset({"su", "longrope", "llama3", "default", "mrope", "proportional"})
_YARN = frozenset({"yarn", "deepseek_yarn", "deepseek_llama_scaling"})
_LONG = frozenset({"su", "longrope"})
_SHORT_AT_FIRST = (0, 11, 1)
"""From here on LongRoPE's original length is what a server takes by itself."""


def longest_context(config: Config | None, overrides: Config | None, vllm: str | None) -> int | None:
    """The longest `--max-model-len` that a release accepts for this config.json; None when it does not say.

    Args:
        config: the model's config.json.
        overrides: what the arguments put in the place of its values; vLLM puts it there before it looks.
        vllm: the release; where it is not known, the most that any accepts.
    """
    positions, profile = positions_with(config, overrides), profile_for(vllm)
    bounds = [profile] if profile.known else [profile, hungriest_profile(profile)]
    return max(
        (found for one in bounds if (found := longest_positions(positions, one)) is not None), default=None
    )


def implied_context(config: Config | None, overrides: Config | None, vllm: str | None) -> int | None:
    """The context of a server without `--max-model-len`; None where config.json does not say."""
    return implied_by(positions_with(config, overrides), profile_for(vllm))


def longest_positions(positions: Positions, profile: Profile) -> int | None:
    """The smallest limit, times the rope's factor where it is applied; None without a limit.

    The rule is vLLM's `_get_and_verify_max_len` (config/model.py, config.py before 0.11); of several ropes
    the last factor counts.
    """
    if positions.limit is None:
        return None
    limit, stretch = float(positions.limit), 1.0
    unheard = positions.new_name and profile.number < READS_PARAMETERS
    for rope in () if unheard else positions.ropes:
        if rope.kind in _UNSCALED or rope.factor is None:
            continue
        if rope.kind in _YARN and profile.number >= YARN_IS_IN:
            continue
        stretch = rope.factor
        if rope.kind == "yarn":
            limit = float(rope.original or limit)
    return int(limit * stretch)


def implied_by(positions: Positions, profile: Profile) -> int | None:
    """The context of a server without `--max-model-len`; None where config.json does not say."""
    longest = longest_positions(positions, profile)
    long = any(rope.kind in _LONG for rope in positions.ropes) and profile.number >= _SHORT_AT_FIRST
    return positions.original or longest if long else longest
