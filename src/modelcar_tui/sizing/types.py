"""What a model needs of a GPU, and what vLLM would say."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from modelcar_tui.core.facts import Fact


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
    UNKNOWN = "unknown"


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One unit that a pod gets: a whole card or a slice."""

    product: str
    vendor: str = "nvidia"
    memory_gib: Fact[float] = Fact()
    """What the node says the unit has (nvidia-smi's total), in GiB."""
    compute_capability: str | None = None
    """`9.0`, or the gfx name on AMD."""
    count: int = 1
    """Units on one node, the most that tensor parallelism can use."""
    visible_gib: Fact[float] = Fact()
    """What CUDA lets vLLM see, which it multiplies by the utilization; less than the label's number."""
    free_gib: Fact[float] = Fact()
    """Free when vLLM starts; no value means an idle card, unless the note says why nobody knows."""
    sms: int | None = None
    """Multiprocessors (compute units on AMD): the sampler's Triton kernel keeps a row of logits for each."""


class EngineArgs(msgspec.Struct, frozen=True, kw_only=True):
    """The vLLM arguments that decide about memory; None means the version's default."""

    tp: int = 1
    pp: int = 1
    dp: int = 1
    dcp: int = 1
    ep: bool = False
    dtype: str = "auto"
    quantization: str | None = None
    kv_cache_dtype: str = "auto"
    max_model_len: int | None = None
    """-1 is `auto`: the longest context that fits."""
    gpu_memory_utilization: float | None = None
    kv_cache_memory_bytes: int | None = None
    num_gpu_blocks_override: int | None = None
    block_size: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    enforce_eager: bool = False
    max_capture_size: int | None = None
    chunked_prefill: bool | None = None
    prefix_caching: bool | None = None
    hybrid_kv_manager: bool = True
    mamba_cache_mode: str = "none"
    mamba_ssm_dtype: str = "auto"
    enable_lora: bool = False
    max_loras: int = 1
    max_lora_rank: int = 16
    fully_sharded_loras: bool = False
    speculative: bool = False
    num_speculative_tokens: int = 0
    speculative_model: str | None = None
    speculative_method: str | None = None
    cpu_offload_gib: float = 0.0
    pooling: bool = False
    """`--runner pooling`, `--task embed` and the like: no sampler."""
    language_model_only: bool = False
    skip_mm_profiling: bool = False
    encoder_tp_data: bool = False
    """`--mm-encoder-tp-mode data`: the vision tower is whole on every GPU."""
    overrides: dict[str, Any] | None = None
    """`--hf-overrides`."""
    long_context_allowed: bool = False
    """The environment sets VLLM_ALLOW_LONG_MAX_MODEL_LEN."""
    torch_sampler: bool = False
    """The build is known to sample without FlashInfer."""
    problems: tuple[str, ...] = ()
    """Values that vLLM's parser would refuse, one sentence each."""


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """What one change of an argument would buy."""

    flag: str
    """As it is written in a manifest: `--max-num-seqs=256`."""
    outcome: Outcome
    kv_tokens: int | None = None
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
    vllm: str = ""
    """The vLLM version that was assumed; with a `?` where it is not known."""
    error: str = ""
    """What vLLM would write, when it refuses."""
    notes: tuple[str, ...] = ()
    """What was assumed, one sentence each."""
