"""The quantization table: which scheme needs what, read from `quantization.json` once. It is written by hand.

What vLLM's classes ask of a GPU stands in `capabilities.json`, which `make vllm` writes.
How a checkpoint declares a scheme and stores its weights stands in `models/quantization/schemes.json` under
the same id.
"""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table

Cell = tuple[str, str, str]
"""The vLLM release it holds from, `native`, `cost`, `no` or `unknown`, and what to say of it."""


class Experts(msgspec.Struct, frozen=True):
    """How a scheme's experts run on some accelerators, by release; `dense`: as its other layers do."""

    history: tuple[Cell, ...]
    source: str
    """vLLM's file and function that decide."""
    on: tuple[int, int] = (0, 0)
    """NVIDIA capabilities (x 10, both ends included)."""
    columns: tuple[str, ...] = ()
    """Or columns of other accelerators."""
    marlin: bool = False
    """Only where the experts' shards have a shape that Marlin multiplies; others take a Triton kernel."""


class Rule(msgspec.Struct, frozen=True):
    """What one scheme of `models/quantization/schemes.json` needs of a release and of an accelerator."""

    id: str
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
    experts: tuple[Experts, ...] = ()
    """Where experts are judged otherwise than the other layers."""
    others: dict[str, tuple[Cell, ...]] = {}
    """Everything that isn't an NVIDIA GPU: `gfx942`, `xpu`, `gaudi`, `cpu`, `tpu`, `spyre`."""
    note: str = ""


class LinearExperts(msgspec.Struct, frozen=True):
    """An architecture whose experts are plain linear layers under most methods."""

    source: str
    arch: str
    until: str
    """The first release without it."""
    but: tuple[tuple[str, tuple[str, ...]], ...]
    """The other methods, by release."""


class Override(msgspec.Struct, frozen=True):
    """A method that vLLM takes in the place of the one that a checkpoint declares."""

    method: str
    since: str = "0"
    until: str = ""
    """The first release without it."""
    declares: str = ""
    """The checkpoint's `quant_method`; empty: any."""
    layout: str = ""
    """Its `checkpoint_format`."""
    algorithm: str = ""
    """An expression for all of its `quant_algo`, in capitals."""
    model_type: str = ""
    takes: tuple[str, ...] | None = None
    """Values of `--quantization` with which it is taken, empty where none is given; None: any."""
    needs: str = ""
    """`marlin`: Marlin's kernels can multiply it; `wna16`: the Triton kernel for experts can."""


class KvCache(msgspec.Struct, frozen=True):
    """KV-cache dtypes and what they need of an NVIDIA GPU."""

    source: str
    choices: tuple[str, ...]
    fp8_e4m3_from: int
    fp8_e5m2_from: int
    flashinfer_since: str
    """From this release on vLLM takes FlashInfer by itself where FlashAttention can't read the cache."""
    nvfp4: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    """Ranges of NVIDIA capabilities (x 10, both ends included) that read NVFP4, by release; none before."""


class Build(msgspec.Struct, frozen=True):
    """Whether the released images hold code for a range of NVIDIA capabilities, whatever the quantization."""

    capabilities: tuple[int, int]
    """x 10, both ends included."""
    history: tuple[Cell, ...]
    source: str


class QuantizationTable(msgspec.Struct, frozen=True):
    """Everything in `quantization.json`."""

    about: str
    source: dict[str, str]
    versions: tuple[str, ...]
    """The vLLM releases for which these rows hold, oldest first."""
    schemes: tuple[Rule, ...]
    platforms: dict[str, tuple[tuple[str, tuple[str, ...]], ...]]
    """Method names that a platform lists as supported, by release."""
    deprecated: tuple[tuple[str, tuple[str, ...]], ...]
    overrides: tuple[Override, ...]
    """In vLLM's order: the first that applies."""
    linear_experts: LinearExperts
    kv_cache: KvCache
    builds: tuple[Build, ...]
    """Capabilities in no row are compiled in all releases that were read."""
    sparse_mla: tuple[str, ...]
    """Architectures whose attention has no kernel below Hopper."""

    def rule(self, identifier: str) -> Rule | None:
        """The rule of the scheme with this id."""
        return _by_id().get(identifier)


@cache
def quantization_table() -> QuantizationTable:
    """The table, decoded at the first call."""
    return table(__file__, "quantization.json", QuantizationTable)


@cache
def _by_id() -> dict[str, Rule]:
    return {rule.id: rule for rule in quantization_table().schemes}
