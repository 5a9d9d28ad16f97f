"""What a model's config.json allows: context length and parallel sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.models.declared import is_moe, text_config

_POSITIONS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
)
_EXPERTS = ("num_experts", "moe_num_experts", "n_routed_experts", "num_local_experts")
_UNSCALED = ("su", "longrope", "llama3", "default", "mrope", "proportional")


def longest_context(
    config: Mapping[str, Any] | None, overrides: Mapping[str, Any] | None = None
) -> int | None:
    """The longest `--max-model-len` that vLLM accepts for this config.json; None when it does not say.

    The smallest of the position limits, times the rope scaling factor where vLLM applies it
    (config/model.py).

    Args:
        config: the model's config.json.
        overrides: what the arguments put in the place of its values; vLLM puts it there before it looks.
    """
    text = text_config(_overridden(config, overrides or {}))
    found = [value for key in _POSITIONS if (value := positive(text.get(key))) is not None]
    if not found:
        return None
    limit, stretch = float(min(found)), 1.0
    for rope in () if "gemma3" in str(text.get("model_type")) else _ropes(text):
        kind, factor = str(rope.get("rope_type") or rope.get("type") or "default"), rope.get("factor")
        if kind not in _UNSCALED and isinstance(factor, (int, float)) and 0 < factor < 1e6:
            stretch = factor
            if kind == "yarn":
                limit = float(positive(rope.get("original_max_position_embeddings")) or limit)
    return int(limit * stretch)


def _ropes(text: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rope's parameters, or those of each kind of layer; vLLM takes the last factor of them."""
    scaling = text.get("rope_scaling") or text.get("rope_parameters")
    if not isinstance(scaling, dict):
        return []
    return [part for part in scaling.values() if isinstance(part, dict)] or [scaling]


def tensor_parallel_fault(config: Mapping[str, Any] | None, size: int) -> str:
    """Why this tensor parallel size can't be used, in vLLM's own terms; empty when nothing speaks against
    it."""
    text = text_config(config)
    heads = positive(text.get("num_attention_heads"))
    if heads and heads % size:
        return f"{heads} attention heads can't be divided by {size}"
    kv_heads = positive(text.get("num_key_value_heads"))
    if kv_heads and kv_heads % size and size % kv_heads:
        return f"{kv_heads} KV heads neither divide by {size} nor divide it"
    vocabulary = positive(text.get("vocab_size"))
    if vocabulary and (-(-vocabulary // 64) * 64) % size:
        return f"the padded vocabulary ({-(-vocabulary // 64) * 64}) can't be divided by {size}"
    width = positive(text.get("intermediate_size"))
    if width and width % size:
        return f"the intermediate size {width} can't be divided by {size}"
    return _group_fault(config, text, size)


def first_architecture(config: Mapping[str, Any] | None) -> str:
    """What `architectures` names first; the empty text where that is not known."""
    names = (config or {}).get("architectures")
    return str(names[0]) if isinstance(names, list) and names else ""


def no_experts(config: Mapping[str, Any] | None) -> bool:
    """Whether config.json is known and names no routed experts, as vLLM counts them (config/model.py)."""
    if config is None or is_moe(config):
        return False
    text = text_config(config)
    # A list names the experts of each modality; Nemotron's blocks have configs of their own.
    counts = (text.get(key) for key in _EXPERTS)
    return not text.get("block_configs") and not any(isinstance(n, list) or positive(n) for n in counts)


def pooling_only(config: Mapping[str, Any] | None) -> bool:
    """Whether the architecture makes embeddings or scores, not text."""
    first = first_architecture(config)
    return first.endswith(("Model", "ForSequenceClassification", "ForTokenClassification")) and bool(first)


def _overridden(config: Mapping[str, Any] | None, overrides: Mapping[str, Any]) -> Mapping[str, Any]:
    changed = dict(config or {})
    if "rope_parameters" in overrides:
        changed.pop("rope_scaling", None)  # its name before Transformers 5
    for key, value in overrides.items():
        inner = changed.get(key)
        # Parts with a config of their own are changed key by key; a rope is replaced as a whole.
        parts = isinstance(inner, dict) and isinstance(value, dict) and not key.startswith("rope")
        changed[key] = {**inner, **value} if parts and isinstance(inner, dict) else value
    return changed


def _group_fault(config: Mapping[str, Any] | None, text: Mapping[str, Any], size: int) -> str:
    raw = (config or {}).get("quantization_config")
    group = positive(raw.get("group_size")) if isinstance(raw, dict) else None
    width = positive(text.get("intermediate_size"))
    if group and width and (width // size) % group:
        return f"a shard of {width // size} columns can't be cut into quantization groups of {group}"
    return ""


def positive(value: object) -> int | None:
    """The value where it is a count; None for anything else."""
    good = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9
    return value if good and isinstance(value, int) else None
