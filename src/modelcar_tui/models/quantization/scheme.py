"""How weights are stored on the GPU: bytes of a linear layer under each quantization."""

from __future__ import annotations

from math import gcd

import msgspec

from modelcar_tui.core.rounding import ceil_div

_WEIGHTS_ALONE = frozenset({"w4a16", "w8a16"})


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """Storage of the quantized weights; all others stay in the serving dtype."""

    name: str
    bits: float
    """Of one weight, without scales."""
    group: int = 0
    """Weights that share a scale along the input; 0: one scale per output channel."""
    scale_bytes: float = 0.0
    """Of one scale, with its zero point."""
    block: int = 0
    """Side of a square block that shares one scale."""
    experts_only: bool = False
    attention: bool = True
    """Whether the attention's linear layers are quantized."""
    head: bool = False
    """Whether lm_head is quantized too."""
    mxfp4: bool = False
    short_experts: bool = False
    """Experts in 4 bits with a scale byte for 32, the other layers as said (DeepSeek V4)."""
    expert_row_bytes: float = 0.0
    """Of one output row of an expert beside its scales, such as a bias."""
    nested: bool = False
    """Its scales are quantized, too (bitsandbytes' double quantization)."""
    ordered: bool = False
    """The weights of a group are ordered by their activations, and the order is kept beside them."""
    known: bool = True
    ids: tuple[str, ...] = ()
    """Its schemes in `schemes.json`: what a release and a GPU are asked about; empty where nothing says."""

    @property
    def weights_alone(self) -> bool:
        """Whether compressed-tensors keeps the weights alone in whole numbers, in groups (`w4a16`)."""
        return not _WEIGHTS_ALONE.isdisjoint(self.ids)

    def of_role(self, role: str) -> Scheme:
        """The scheme of the matrices with this role (`tensors.Weight.role`) where no name is listed."""
        if role == "expert":
            return self
        linear = role == "linear" or (role == "attention" and self.attention)
        return self if linear and not self.experts_only else PLAIN_SCHEME

    def expert_bytes(self, out: int, inner: int) -> float:
        """Bytes of one `out x inner` expert matrix with its scales."""
        if self.short_experts:
            return out * inner * (4 + 8 / 32) / 8
        return self.linear_bytes(out, inner) + out * self.expert_row_bytes

    def linear_bytes(self, out: int, inner: int) -> float:
        """Bytes of one `out x inner` layer with its scales (vllm model_executor/layers/quantization)."""
        weights = out * inner * self.bits / 8
        if self.block:
            return weights + ceil_div(out, self.block) * ceil_div(inner, self.block) * self.scale_bytes
        if self.group:
            return weights + out * ceil_div(inner, self.group) * self.scale_bytes
        return weights + out * self.scale_bytes


FINER_BLOCKS_SINCE = (0, 29)
"""vLLM's release from which on blocks of FP8 experts may be made finer to fit a shard."""
_FINEST = 32


def finer_block(block: int, part: int, width: int) -> int:
    """The block of FP8 experts `width` wide whose shard is `part` wide; the checkpoint's where none fits.

    Source: fused_moe/oracle/fp8.py refine_fp8_moe_block_shape.
    """
    found = gcd(block, part, width) if part % block else block
    return found if found >= _FINEST else block


PLAIN_SCHEME = Scheme(name="", bits=16)
