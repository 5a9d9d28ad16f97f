"""What a model needs of a GPU, and what vLLM would say."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.core.facts import Fact
from modelcar_tui.models import MeasuredStart

TIGHT = 1.25
"""Requests of the full context at once below which a start is called tight."""


class Outcome(StrEnum):
    """How a start of vLLM ends; `REFUSED_*` are vLLM's own start-up checks in their order."""

    STARTS = "starts"
    REFUSED_ARGS = "refused_args"
    REFUSED_ARCH = "refused_arch"
    REFUSED_QUANT = "refused_quant"
    REFUSED_DTYPE = "refused_dtype"
    REFUSED_KERNEL = "refused_kernel"
    REFUSED_FREE_MEMORY = "refused_free_memory"
    OOM_LOAD = "oom_load"
    REFUSED_NO_KV = "refused_no_kv"
    REFUSED_KV = "refused_kv"
    OOM_WARMUP = "oom_warmup"
    OOM_GRAPH_CAPTURE = "oom_graph_capture"
    DIED = "died"
    """Only ever measured: it ended for a reason that none of these names."""
    UNKNOWN = "unknown"

    @property
    def told(self) -> str:
        """In words: `starts`, `refused (the KV cache is too small)`, `out of memory while loading`."""
        return _TOLD.get(self, self.value)


_TOLD = {
    Outcome.REFUSED_ARGS: "refused (its arguments)",
    Outcome.REFUSED_ARCH: "refused (its architecture)",
    Outcome.REFUSED_QUANT: "refused (its quantization)",
    Outcome.REFUSED_DTYPE: "refused (its data type)",
    Outcome.REFUSED_KERNEL: "refused (no kernel for it)",
    Outcome.REFUSED_FREE_MEMORY: "refused (too little memory is free)",
    Outcome.OOM_LOAD: "out of memory while loading",
    Outcome.REFUSED_NO_KV: "refused (no memory is left for the KV cache)",
    Outcome.REFUSED_KV: "refused (the KV cache is too small)",
    Outcome.OOM_WARMUP: "out of memory in the warm-up",
    Outcome.OOM_GRAPH_CAPTURE: "out of memory while CUDA graphs are captured",
    Outcome.DIED: "ended before it served",
}


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """What one change of an argument would buy."""

    flag: str
    """As it is written in a manifest: `--max-num-seqs=256`."""
    outcome: Outcome
    kv_tokens: int | None = None
    kv_tokens_between: tuple[float, float] | None = None
    """Bounds of a guess, as the estimate's own; None where the figures are exact."""
    gained_gib: float | None = None
    """KV cache memory won per GPU."""
    cost: str = ""
    """What is given up for it."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Per GPU, in GiB. A fact without a value is unknown."""

    outcome: Outcome
    why: str
    """One sentence with its numbers."""
    weights_gib: Fact[float] = Fact()
    activation_gib: Fact[float] = Fact()
    non_torch_gib: Fact[float] = Fact()
    cuda_graph_gib: Fact[float] = Fact()
    kv_available_gib: Fact[float] = Fact()
    kv_tokens: Fact[int] = Fact()
    max_concurrency: Fact[float] = Fact()
    """Requests of the full context that fit at once."""
    longest_context: Fact[int] = Fact()
    required_gib: Fact[float] = Fact()
    """Smallest GPU memory that starts it with these arguments."""
    requested_gib: Fact[float] = Fact()
    """`gpu_memory_utilization` x the memory that vLLM sees."""
    headroom_gib: Fact[float] = Fact()
    """What is left after KV cache, CUDA graphs and the sampler's warm-up; negative runs out of memory."""
    kv_bytes_per_token: Fact[float] = Fact()
    """Of all layers on one GPU, bytes."""
    state_bytes: Fact[float] = Fact()
    """What one request holds on one GPU whatever its length: the states of state-space layers, bytes."""
    vllm: str = ""
    """The vLLM version that was assumed; with a `?` where it is not known."""
    error: str = ""
    """What vLLM would write, when it refuses."""
    notes: tuple[str, ...] = ()
    """What was assumed, one sentence each."""
    measured: MeasuredStart | None = None
    """The start that these figures are of; None where all of them are computed."""
    exact: bool = False
    """Whether that start had these very arguments. Where it had not, the parts that hang on none of the
    differences are its, and the rest is computed from them."""
    predicted: Outcome | None = None
    """What is computed without that start."""

    @property
    def tight(self) -> bool:
        """Whether it starts, and hardly more than one request of the full context fits at once."""
        at_once = self.max_concurrency.least
        return self.outcome is Outcome.STARTS and at_once is not None and at_once < TIGHT

    @property
    def caution(self) -> str:
        """What to know of a tight start, in one sentence; empty for any other."""
        if not self.tight:
            return ""
        return f"tight: below {TIGHT} requests of the full context at once; a second long one waits"


FIGURE_FIELDS = {
    "weights_gib": "weights_gib",
    "activation_gib": "activation_gib",
    "non_torch_gib": "non_torch_gib",
    "graphs_gib": "cuda_graph_gib",
    "kv_cache_gib": "kv_available_gib",
    "kv_tokens": "kv_tokens",
    "concurrency": "max_concurrency",
    "requested_gib": "requested_gib",
}
"""The figures of a start-up log by their names (`vllm.Figure.what`), and the fields of an estimate."""
