"""How weights are stored on the GPU: bytes of a linear layer under each quantization."""

from __future__ import annotations

import msgspec


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
    mixers: bool = True
    """Whether the linear layers of state-space mixers are."""
    attention_as: Scheme | None = None
    """The attention's own scheme in a checkpoint of mixed precision."""
    mixers_as: Scheme | None = None
    head: bool = False
    """Whether lm_head is quantized too."""
    mxfp4: bool = False
    short_experts: bool = False
    """Experts in 4 bits with a scale byte for 32, the other layers as said (DeepSeek V4)."""
    known: bool = True
    ids: tuple[str, ...] = ()
    """Its schemes in `schemes.json`: what a release and a GPU are asked about; empty where nothing says."""

    def of_attention(self) -> Scheme:
        """The scheme of the attention's linear layers."""
        return (self.attention_as or self) if self.attention and not self.experts_only else PLAIN

    def of_mixers(self) -> Scheme:
        """The scheme of the state-space mixers' linear layers."""
        return (self.mixers_as or self) if self.mixers and not self.experts_only else PLAIN

    def expert_bytes(self, out: int, inner: int) -> float:
        """Bytes of one `out x inner` expert matrix with its scales."""
        return out * inner * (4 + 8 / 32) / 8 if self.short_experts else self.linear_bytes(out, inner)

    def linear_bytes(self, out: int, inner: int) -> float:
        """Bytes of one `out x inner` layer with its scales (vllm model_executor/layers/quantization)."""
        weights = out * inner * self.bits / 8
        if self.block:
            return weights + -(-out // self.block) * -(-inner // self.block) * self.scale_bytes
        if self.group:
            return weights + out * -(-inner // self.group) * self.scale_bytes
        return weights + out * self.scale_bytes


PLAIN = Scheme(name="", bits=16)
