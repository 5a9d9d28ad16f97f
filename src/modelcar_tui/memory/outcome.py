"""How the start ends: vLLM's own checks in their order, then what it does not check."""

from __future__ import annotations

from modelcar_tui.core.facts import GIB
from modelcar_tui.memory.budget import Budget
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.types import Outcome
from modelcar_tui.vllm import Profile, StartLimits

NO_TOTAL = "the memory of this GPU is not known"
_SURE = 0.25 * GIB
"""Capture, and on small cards the warm-up, have to miss by more than this before they are called out of
memory: capture varies that much, and what small cards hold at the start is extrapolated."""
_MEASURED = 70 * GIB
"""Cards of this class were measured: of 40 starts the tightest had 0.31 GiB left, two deaths -0.16 and
-0.61."""
_BARE_UTILIZATION = 0.94
"""From here on too little may be free of memory that is the operating system's too."""
_FREE_CHECKED = (0, 9, 1)
"""vllm v1/worker/gpu_worker.py init_device; 0.9.0 has no such check, nor has the engine before V1."""
_WARMED_UP = (0, 8)
"""From here on the sampler runs once more after capture (vllm v1/worker/gpu_worker.py
compile_or_warm_up_model)."""
_OOM = "torch.OutOfMemoryError: CUDA out of memory."
_UNEQUAL_PAGES = (
    "The page size of the layer is not divisible by the maximum page size. Cannot unify by adjusting "
    "block_size."
)
Verdict = tuple[Outcome, str, str]
"""The outcome, why, and vLLM's words."""


def verdict(start: Start, budget: Budget) -> Verdict:
    """The first check that fails, or STARTS."""
    if budget.unpooled:
        return Outcome.REFUSED_ARCH, f"{budget.unpooled} before vLLM 0.24", _UNEQUAL_PAGES
    total, requested, available = budget.total, budget.requested, budget.available
    if total is None or requested is None or available is None:
        return Outcome.UNKNOWN, f"{NO_TOTAL}; it needs about {text(minimum(budget, start.limits))}", ""
    measured = start.gpu.free_gib.value is not None
    free = (start.gpu.free_gib.value or 0.0) * GIB if measured else total - budget.start
    if free < requested and free_is_checked(start.profile):
        return no_free_memory(free, total, start.limits.utilization, measured=measured)
    room = free if measured else total  # what is only taken to be free refuses nothing
    if budget.loading > room:
        has = f"{text(room)} are free" if measured else f"{start.gpu.product} has {text(room)}"
        return Outcome.OOM_LOAD, f"the weights need {text(budget.loading)} and {has}", _OOM
    refused = _no_cache(start, budget, requested, available)
    if refused is not None:
        return _by_driver(start, budget, refused) or refused
    return _few_states(start, budget) or _afterwards(start, budget, available, total)


def state_blocks(budget: Budget) -> int | None:
    """Blocks for the states of sequences, where graphs are captured over state-space layers; None
    elsewhere."""
    if budget.plan is None or budget.available is None or not budget.graphs:
        return None
    if all(group.kind != "state" for group in budget.plan.groups):
        return None
    return budget.plan.block_count(budget.available)


def _few_states(start: Start, budget: Budget) -> Verdict | None:
    seqs, blocks = start.limits.seqs, state_blocks(budget)
    if blocks is None or seqs <= blocks or not start.profile.state_blocks_checked:
        return None
    error = (
        f"max_num_seqs ({seqs}) exceeds available Mamba cache blocks ({blocks}). Each decode sequence "
        "requires one Mamba cache block, so CUDA graph capture cannot proceed. Please lower max_num_seqs "
        f"to at most {blocks} or increase gpu_memory_utilization."
    )
    why = (
        f"the states of {blocks} sequences fit and --max-num-seqs is {seqs}; graphs can't be captured for "
        "more"
    )
    return Outcome.REFUSED_ARGS, why, error


def free_is_checked(profile: Profile) -> bool:
    """Whether this release compares free memory with what it may use before it loads anything."""
    return profile.number >= _FREE_CHECKED and not profile.engine_v0


def no_free_memory(free: float, total: float, utilization: float, *, measured: bool) -> Verdict:
    """The answer where less is free than vLLM asks for: a refusal, if the free memory was measured.

    A card of which vLLM asks for everything is never as free as that: its own context lies there.
    """
    requested = total * utilization
    if not measured and requested < total:
        why = (
            f"{text(requested)} are asked for by --gpu-memory-utilization; an idle card of {text(total)} is "
            f"taken to have {text(free)} free, which nobody measured"
        )
        return Outcome.UNKNOWN, why, ""
    error = (
        f"Free memory on device cuda:0 ({free / GIB:.2f}/{total / GIB:.2f} GiB) on startup is less than "
        f"desired GPU memory utilization ({utilization:g}, {requested / GIB:.2f} GiB). Decrease GPU "
        "memory utilization or reduce GPU memory used by other processes."
    )
    why = f"{text(requested)} are asked for by --gpu-memory-utilization and {text(free)} are free"
    return Outcome.REFUSED_FREE_MEMORY, why, error


def _by_driver(start: Start, budget: Budget, refused: Verdict) -> Verdict | None:
    """The answer where one request fits if vLLM estimates less for CUDA graphs; None where it does not."""
    args, room = start.args, (budget.available or 0.0) + budget.graphs_deducted - budget.deducted_least
    if budget.needed > room or args.kv_cache_memory_bytes or args.num_gpu_blocks_override:
        return None
    open_ = f"{text(budget.deducted_least)} to {text(budget.graphs_deducted)}"
    why = (
        f"it depends on the GPU's driver: vLLM keeps {open_} for CUDA graphs, and with the most {refused[1]} "
        "(--enforce-eager captures none)"
    )
    return Outcome.UNKNOWN, why, ""


def _no_cache(start: Start, budget: Budget, requested: float, available: float) -> Verdict | None:
    """The answer where nothing is left for the KV cache, or too little for one request of the whole
    context."""
    if available <= 0:
        why = f"all but the KV cache takes {text(budget.fixed)} of the {text(requested)} that vLLM may use"
        return Outcome.REFUSED_NO_KV, why, "No available memory for the cache blocks."
    if budget.needed <= available:
        return None
    context = start.limits.context
    fits = would_fit(start, budget, context)
    if start.limits.auto_context and fits:
        return None
    error = (
        f"To serve at least one request with the models's max seq len ({context}), "
        f"({budget.needed / GIB:.2f} GiB KV cache is needed, which is larger than the available KV cache "
        f"memory ({available / GIB:.2f} GiB). Based on the available memory, the estimated maximum model "
        f"length is {fits}."
    )
    why = (
        f"one request of {context} tokens needs {text(budget.needed)} of KV cache and {text(available)} are "
        f"left; {fits} tokens would fit"
    )
    return Outcome.REFUSED_KV, why, error


def _afterwards(start: Start, budget: Budget, available: float, total: float) -> Verdict:
    """What vLLM does not check: graph capture and the sampler's warm-up, after the KV cache has been
    taken."""
    gpu, limits = start.gpu, start.limits
    died = None if start.profile.engine_v0 else _death(start, budget, budget.graphs, total)
    if died and _death(start, budget, budget.graphs_least, total):
        return died
    if died:
        open_ = f"{text(budget.graphs_least)} to {text(budget.graphs)}"
        why = (
            f"it depends on the GPU's driver, which keeps {open_} for CUDA graphs: with the most {died[1]} "
            "(--enforce-eager captures none)"
        )
        return Outcome.UNKNOWN, why, ""
    if gpu.unified and not gpu.free_gib.known and limits.utilization >= _BARE_UTILIZATION:
        why = f"how much of each card is free is not known, and {limits.utilization:g} of it is asked for"
        return Outcome.UNKNOWN, why, ""
    taken = f"{text(budget.fixed)} of the {text(budget.requested or 0)} that vLLM may use are taken"
    why = f"{taken}, {text(available)} are left for the KV cache"
    return Outcome.STARTS, why, ""


def _death(start: Start, budget: Budget, graphs: float, total: float) -> Verdict | None:
    """How a start ends whose CUDA graphs take so much; None where all fits."""
    available = max(0.0, budget.available or 0.0)
    held = budget.start + budget.weights_bytes + budget.non_torch + available + _idle(budget)
    if total - held - graphs + budget.proven < -_SURE:
        left = text(max(0.0, total - held))
        why = f"CUDA graphs need {text(graphs)} and {left} are left after the KV cache"
        return Outcome.OOM_GRAPH_CAPTURE, why, _OOM
    headroom = total - held - graphs - budget.peak.warmup + budget.proven
    warmed = start.profile.release >= _WARMED_UP
    if warmed and headroom < (0.0 if budget.weights.relaid or total >= _MEASURED else -_SURE):
        why = (
            f"the sampler's warm-up needs {text(budget.peak.sampler)} after KV cache and CUDA graphs, "
            f"{text(-headroom)} more than is left; fewer --max-num-seqs or less "
            "--gpu-memory-utilization helps"
        )
        return Outcome.OOM_WARMUP, why, _OOM
    return None


def _idle(budget: Budget) -> float:
    """What lies on the card and is used by nothing that starts."""
    return budget.weights.relaid + budget.peak.tables


def headroom_of(budget: Budget) -> float | None:
    """Bytes left when the sampler warms up after KV cache and graphs are there; None when it can't be
    told."""
    if budget.total is None or budget.available is None:
        return None
    held = budget.start + budget.weights_bytes + budget.non_torch + max(0.0, budget.available)
    return budget.total - held - budget.graphs - _idle(budget) - budget.peak.warmup + budget.proven


def would_fit(start: Start, budget: Budget, most: int) -> int:
    """The longest context up to `most` whose cache passes vLLM's check beside what else this budget
    holds."""
    if budget.plan is None or budget.available is None:
        return 0
    profile = start.profile
    spare = budget.available / budget.asked - (budget.plan.block_bytes if profile.null_block else 0)
    return budget.plan.longest(spare, most, padded=profile.exact_groups)


def minimum(budget: Budget, limits: StartLimits) -> float:
    """Bytes of a card that holds this with one request of the whole context; the other checks may ask for
    more."""
    share = min(max(limits.utilization, 0.01), 1.0)
    after = (
        budget.start + budget.graphs - budget.graphs_deducted + budget.weights.relaid + budget.peak.uncounted
    )
    return max((budget.fixed + budget.needed) / share, budget.fixed + budget.needed + max(0.0, after))


def text(value: float) -> str:
    """Bytes as `1.25 GiB`."""
    return f"{value / GIB:.2f} GiB"
