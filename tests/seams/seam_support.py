"""Where two rooms meet: cases by name, and the marks of those on which they disagree today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "vocab_size": 32000,
    "intermediate_size": 4096,
    "max_position_embeddings": 8192,
    "torch_dtype": "bfloat16",
}
"""A model that fits everywhere: what is refused is refused for its numbers."""
REFUSED = "refused"
"""A room's answer where it tells the operator that it can't use what it was given."""


def params(cases: Mapping[str, Any], differ: Mapping[str, str] | None = None) -> list[Any]:
    """The cases as parameters, by name; those in `differ` are strict xfails with its reason.

    Raises:
        KeyError: `differ` names a case that is not there, or that no longer is.
    """
    differ = differ or {}
    if stray := set(differ) - set(cases):
        raise KeyError(f"no such cases: {sorted(stray)}")
    return [
        pytest.param(
            case,
            id=name,
            marks=[xfail(differ[name])] if name in differ else [],
        )
        for name, case in cases.items()
    ]


def xfail(reason: str) -> pytest.MarkDecorator:
    """A disagreement of today: an answer other than the right one, not an error on the way to it."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)


def grouped(differ: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """`{reason: names}` as `{name: reason}`."""
    return {name: why for why, names in differ.items() for name in names}
