"""What is known of a model, from wherever its files were read."""

from __future__ import annotations

from typing import Any

import msgspec

from modelcar_tui.core.facts import Fact
from modelcar_tui.models.measured import MeasuredStart


class TensorGroup(msgspec.Struct, frozen=True):
    """Tensors of one shape and dtype whose names differ only in numbers (layers, experts)."""

    pattern: str
    """The name with each run of digits between dots replaced by `{}`:
    `model.layers.{}.mlp.up_proj.weight`."""
    dtype: str
    """As in the safetensors header: `BF16`, `F8_E4M3`, `I32`, `U8`, ..."""
    shape: tuple[int, ...]
    count: int


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the model's own files say, from an image, a folder or a GGUF header.

    Any part may be missing (None); `parameters` and the like then carry the best that is known.
    """

    config: dict[str, Any] | None = None
    """`config.json` as parsed."""
    unread: str = ""
    """Why `config` is None though the model has a config.json; else empty."""
    generation_config: dict[str, Any] | None = None
    quantization: dict[str, Any] | None = None
    """`quantization_config` of config.json, or `hf_quant_config.json`, as parsed."""
    adapter: dict[str, Any] | None = None
    processors: dict[str, Any] | None = None
    """`image` and `video`: what preprocessor_config.json and its like say, as parsed."""
    tensors: tuple[TensorGroup, ...] | None = None
    """From the safetensors headers, only when every shard's header was read."""
    gguf: dict[str, Any] | None = None
    """The scalar metadata of a GGUF header (`general.architecture`, `llama.block_count`, ...)."""
    parameters: Fact[int] = Fact()
    """Number of weights (not bytes)."""
    weight_bytes: Fact[int] = Fact()
    """Bytes of the weights' files."""
    bits: Fact[int] = Fact()
    """Bits of a quantized linear weight; 16 for bf16 and fp16."""
    quantization_name: Fact[str] = Fact()
    """`fp8`, `w4a16`, `awq`, ... ; the empty text when it is known to be unquantized."""
    measured: tuple[MeasuredStart, ...] = ()
    """Starts of this very model that were measured, newest first; no file of its own tells them."""
