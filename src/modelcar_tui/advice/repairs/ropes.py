"""`--hf-overrides` of a rope in the words of a release, so that it means there what was meant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelcar_tui.advice.repairs.drafts import REQUIRED, Drafts
from modelcar_tui.models import Config, ModelFacts, Reader, text_config, text_part
from modelcar_tui.vllm import longest_context
from modelcar_tui.vllm.arguments import (
    ROPE_SCALING,
    Argument,
    heard_overrides,
    last_given,
    rope_fault,
    rope_key,
    tokens_in,
    yarn_is_in,
)

OVERRIDES, _LENGTH = "--hf-overrides", "--max-model-len"


def in_its_words(overrides: Mapping[str, Any], config: Config | None, vllm: str | None) -> dict[str, Any]:
    """The same overrides for this release: a rope by the name that it reads, with `rope_type`, with the base
    that goes lost with the rope it replaces, and the positions that YaRN stretches to where it counts those.
    """
    key = rope_key(vllm)
    names = {"rope_scaling": key, "rope_parameters": key}
    made = {names.get(name, name): value for name, value in overrides.items()}
    rope = made.get(key)
    if not isinstance(rope, dict) or not rope or any(isinstance(part, dict) for part in rope.values()):
        return made
    rope = dict(rope)
    if "rope_type" not in rope and "type" in rope:
        rope = {"rope_type": rope.pop("type"), **rope}
    theta = made.get("rope_theta", _base(config)) if key != ROPE_SCALING else None
    if theta is not None and "rope_theta" not in rope:
        rope["rope_theta"] = theta
        made.pop("rope_theta", None)
    made[key] = rope
    if yarn_is_in(vllm) and rope.get("rope_type") == "yarn":
        made |= _stretched(rope, made)
    return made


def repair_ropes(
    arguments: tuple[Argument, ...], facts: ModelFacts, vllm: str | None, drafts: Drafts
) -> dict[str, Any]:
    """Say a rope in the release's words where it else refuses the context that is asked for.

    Returns:
        What the overrides will be; empty where they stay.
    """
    given = last_given(arguments, OVERRIDES)
    told = _object(given.value) if given is not None and not given.dotted else None
    if given is None or not told or text_part(facts.config or {}) is not (facts.config or {}):
        return {}
    meant = in_its_words(told, facts.config, vllm)
    if meant == told or drafts.touched(given):
        return {}
    why = _needed(arguments, facts.config, told, meant, vllm)
    if not why:
        return {}
    drafts.set(given, f"{OVERRIDES}={json.dumps(meant)}", why, REQUIRED)
    return meant


def overrides_in(item: str | None) -> dict[str, Any]:
    """What an item says that is `--hf-overrides` with an object; nothing for any other."""
    return _object((item or "").partition("=")[2]) or {}


def _needed(
    arguments: tuple[Argument, ...],
    config: Config | None,
    told: Mapping[str, Any],
    meant: Mapping[str, Any],
    vllm: str | None,
) -> str:
    """Why vLLM stops over the one and not over the other; empty where it does not."""
    if fault := rope_fault(told, vllm):
        return "" if rope_fault(meant, vllm) else f"vLLM refuses to start: {fault}"
    now, then = (longest_context(config, heard_overrides(one, vllm), vllm) for one in (told, meant))
    wanted = next((tokens_in(one.value) for one in reversed(arguments) if one.name == _LENGTH), None)
    if now is None or then is None or wanted is None or not now < wanted <= then:
        return ""
    return f"this vLLM takes {now:,} tokens of context with these overrides; so written it takes {then:,}"


def _stretched(rope: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    """The positions after YaRN: its original length times its factor."""
    read = Reader(rope)
    original, factor = read.integer("original_max_position_embeddings"), read.number("factor", low=1.0)
    if original is None or factor is None or "max_position_embeddings" in made:
        return {}
    return {"max_position_embeddings": int(original * factor)}


def _base(config: Config | None) -> float | int | None:
    """The model's own `rope_theta`."""
    text = text_config(config)
    parameters = text.get("rope_parameters")
    found = text.get("rope_theta") or (parameters.get("rope_theta") if isinstance(parameters, dict) else None)
    return found if isinstance(found, int | float) else None


def _object(value: str | None) -> dict[str, Any] | None:
    try:
        found = json.loads(value or "")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
