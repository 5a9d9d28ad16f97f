"""The quantization table: which scheme needs what, read from `quantization.json` once."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table

Capability = tuple[str, int | None]
"""The vLLM release that first had this minimum capability, and the capability x 10 (None: not in that
release)."""
Cell = tuple[str, str, str]
"""The vLLM release it holds from, `native`, `cost`, `no` or `unknown`, and what to say of it."""


class Scheme(msgspec.Struct, frozen=True):
    """One way to store and multiply weights, as vLLM tells them apart."""

    id: str
    title: str
    bits: int
    classes: tuple[tuple[str, ...], ...]
    """vLLM classes that must all accept the GPU; of each inner tuple, one is enough."""
    methods: tuple[str, ...]
    """vLLM's own names of the method, as the platforms list them."""
    native: tuple[tuple[int, int], ...] = ()
    """Ranges of NVIDIA capabilities (x 10, both ends included) with a kernel of its own."""
    cost: str = ""
    """What it costs on the other NVIDIA GPUs that vLLM accepts."""
    no_from: int = 0
    no_why: str = ""
    moe_since: tuple[int, str] | None = None
    """Mixture-of-experts models need at least this release on GPUs from this capability on."""
    others: dict[str, tuple[Cell, ...]] = {}
    """Everything that isn't an NVIDIA GPU: `gfx942`, `xpu`, `gaudi`, `cpu`, `tpu`, `spyre`."""
    note: str = ""


class KvCache(msgspec.Struct, frozen=True):
    """KV-cache dtypes and what they need of an NVIDIA GPU."""

    source: str
    choices: tuple[str, ...]
    fp8_e4m3_from: int
    fp8_e5m2_from: int


class Volta(msgspec.Struct, frozen=True):
    """When the released images stopped being compiled for compute capability 7.0."""

    no_since: str
    unsure_since: str
    source: str


class QuantizationTable(msgspec.Struct, frozen=True):
    """Everything in `quantization.json`."""

    about: str
    source: dict[str, str]
    versions: tuple[str, ...]
    """The vLLM releases that were read, oldest first."""
    min_capability: dict[str, tuple[Capability, ...]]
    schemes: tuple[Scheme, ...]
    platforms: dict[str, tuple[tuple[str, tuple[str, ...]], ...]]
    """Method names that a platform lists as supported, by release."""
    deprecated: tuple[tuple[str, tuple[str, ...]], ...]
    kv_cache: KvCache
    volta: Volta
    fp16_refused_by: tuple[str, ...]
    """`model_type` values for which vLLM refuses float16."""
    sparse_mla: tuple[str, ...]
    """Architectures whose attention has no kernel below Hopper."""

    def scheme(self, identifier: str) -> Scheme | None:
        """The scheme with this id."""
        return _by_id().get(identifier)


@cache
def quantization_table() -> QuantizationTable:
    """The table, decoded at the first call."""
    return table(__file__, "quantization.json", QuantizationTable)


@cache
def _by_id() -> dict[str, Scheme]:
    return {scheme.id: scheme for scheme in quantization_table().schemes}
