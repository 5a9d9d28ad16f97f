"""Speculative decoding that the release refuses (vllm config/speculative.py SpeculativeConfig)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from modelcar_tui.vllm.name_table import speculation_table
from modelcar_tui.vllm.refused.asked import Asked, Refusal, Refusals

SPECULATION = "--speculative-config"
_ASYNC = "--async-scheduling"
_METHOD, _MODEL, _TOKENS = "--spec-method", "--spec-model", "--spec-tokens"
_NGRAM = ("ngram", "[ngram]", "ngram_gpu")
_WITHOUT_A_MODEL = (*_NGRAM, "suffix", "extract_hidden_states", "custom_class")
_SYNCHRONOUS = ("ngram", "suffix", "medusa", "mlp_speculator", "custom_class")
_SYNCHRONOUS_IN = ("0.11.1", "0.33.0")
"""From the first one on, and before the other, async scheduling refuses these methods (VllmConfig)."""
_NEED_A_MODEL = frozenset(
    {"eagle", "eagle3", "medusa", "mlp_speculator", "draft_model", "dflash", "custom_class"}
)
"""Methods whose draft is no part of the target, and not made from the prompt."""
_OWN_BY_METHOD = "0.11.0"
"""Before, the target's own type decided whether it was its own draft, whatever the method."""
_NO_DRAFTS = ("0.10.0", "0.15.0")
"""From the first one on, and before the other, a draft model of its own is refused."""


def speculation(asked: Asked) -> Refusals:
    """Settings of the draft; keys and names that do not exist at all are the parser's."""
    told = _told(asked)
    if told is None:
        return
    method = _method(told, asked)
    yield from _number_of_tokens(told, method, asked)
    if told.get("num_speculative_tokens") is not None:
        yield from _draft(told, method, asked)
    yield from _lookup(told, method, asked)
    yield from _sizes(told, method, asked)
    yield from _companions(told, method, asked)


def _told(asked: Asked) -> dict[str, Any] | None:
    """The object with what the short flags put into it (engine/arg_utils.py); None where there is none."""
    found = dict(asked.object(SPECULATION))
    for flag, key in ((_METHOD, "method"), (_MODEL, "model")):
        if asked.text(flag):
            found.setdefault(key, asked.text(flag))
    if (number := asked.number(_TOKENS)) is not None:
        found.setdefault("num_speculative_tokens", number)
    return found or None


def _flag(asked: Asked) -> str:
    return next((flag for flag in (SPECULATION, _METHOD, _TOKENS) if asked.has(flag)), _MODEL)


def _method(told: Mapping[str, Any], asked: Asked) -> str:
    method = str(told.get("method") or "")
    if not method:
        return "ngram" if told.get("model") in _NGRAM else "draft_model"
    return "mtp" if method.endswith("_mtp") else method


def _number_of_tokens(told: Mapping[str, Any], method: str, asked: Asked) -> Refusals:
    number = told.get("num_speculative_tokens")
    if number is None and (method != "suffix") and (told.get("model") is None or method in _NGRAM):
        # With a draft model its own config.json may say how many.
        rest = {**told, "num_speculative_tokens": 1 if method == "mtp" else 4}
        yield _refusal(asked, "speculation says no num_speculative_tokens", "say how many", rest)
    elif isinstance(number, int) and number < 1:
        what = f"num_speculative_tokens is {number}: it must be more than 0"
        yield _refusal(asked, what, "write 1 or more, or delete it")


def _draft(told: Mapping[str, Any], method: str, asked: Asked) -> Refusals:
    model, own = told.get("model"), not asked.config or not has_no_heads(asked)
    if told.get("method") == "draft_model" and asked.since(_NO_DRAFTS[0]) and not asked.since(_NO_DRAFTS[1]):
        what = f"vLLM {asked.release} has no speculation with a draft model of its own"
        yield _refusal(asked, what, "use ngram, EAGLE or MTP, or a runtime with vLLM 0.15 or later")
    elif model is None and method in _NEED_A_MODEL and (asked.since(_OWN_BY_METHOD) or not own):
        yield _refusal(asked, f"speculative method {method} needs a draft model", "name it: `model`")
    elif model is None and method == "mtp" and not own:
        kind = asked.config.get("model_type")
        yield _refusal(asked, f"speculative method mtp needs a model with such layers, and {kind} has none")


def has_no_heads(asked: Asked) -> bool:
    """Whether the model is known and is none that this release makes an MTP draft of (hf_config_override)."""
    kinds = {asked.config.get("model_type"), asked.text_config.get("model_type"), asked.architecture}
    known = heads(asked.release)
    return bool(asked.config) and bool(known) and not kinds & known


@lru_cache(maxsize=64)
def heads(release: str) -> frozenset[str]:
    """Model types and architectures that a release makes an MTP draft of."""
    return speculation_table().names("heads", release)


def _lookup(told: Mapping[str, Any], method: str, asked: Asked) -> Refusals:
    low, high = told.get("prompt_lookup_min"), told.get("prompt_lookup_max")
    if method in _NGRAM and isinstance(low, int) and isinstance(high, int) and low > high:
        what = f"prompt_lookup_min is {low} and prompt_lookup_max {high}: it must not be more"
        fixed, fix = _written({**told, "prompt_lookup_min": high}), "lower prompt_lookup_min"
        yield Refusal(code="speculation", flag=SPECULATION, what=what, fix=fix, write=fixed)


def _sizes(told: Mapping[str, Any], method: str, asked: Asked) -> Refusals:
    size = told.get("draft_tensor_parallel_size")
    if isinstance(size, int) and size not in (1, asked.tp) and method not in _WITHOUT_A_MODEL:
        what = f"draft_tensor_parallel_size is {size}: it must be 1, or the model's own {asked.tp}"
        fixed = {**told, "draft_tensor_parallel_size": 1}
        yield _refusal(asked, what, "write 1", fixed)
    if told.get("tensor_parallel_size") is not None:
        fixed = {key: value for key, value in told.items() if key != "tensor_parallel_size"}
        what = "speculation takes no tensor_parallel_size"
        yield _refusal(asked, what, "write draft_tensor_parallel_size", fixed)


def _companions(told: Mapping[str, Any], method: str, asked: Asked) -> Refusals:
    """Keys and switches that hang on another one (`_verify_args`, VllmConfig.__post_init__)."""
    checked = asked.since(_SYNCHRONOUS_IN[0]) and not asked.since(_SYNCHRONOUS_IN[1])
    if asked.on(_ASYNC) and method in _SYNCHRONOUS and checked:
        what = f"{_ASYNC} does not go with speculation by {method}"
        yield Refusal(code="speculation", flag=_ASYNC, what=what)
    if told.get("use_heterogeneous_vocab") is True and method != "draft_model":
        yield _refusal(asked, "use_heterogeneous_vocab works with method draft_model only")
    rates = [key for key in ("synthetic_acceptance_rates", "synthetic_acceptance_length") if told.get(key)]
    if rates and told.get("rejection_sample_method") != "synthetic":
        yield _refusal(asked, f"{rates[0]} needs rejection_sample_method synthetic")
    if told.get("dspark_draft_topk") is not None and method not in ("dspark", "draft_model"):
        yield _refusal(asked, "dspark_draft_topk is DSpark's only")


def _refusal(
    asked: Asked, what: str, fix: str = "delete it", fixed: Mapping[str, Any] | None = None
) -> Refusal:
    write = _written(fixed) if fixed and asked.has(SPECULATION) else ""
    return Refusal(code="speculation", flag=_flag(asked), what=what, fix=fix, write=write)


def _written(told: Mapping[str, Any]) -> str:
    return f"{SPECULATION}={json.dumps(told, separators=(',', ':'))}"
