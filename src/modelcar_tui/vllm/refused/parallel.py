"""Parallel sizes and what goes with them (vllm config/parallel.py, config/model.py, engine/arg_utils.py)."""

from __future__ import annotations

from modelcar_tui.models import no_experts
from modelcar_tui.vllm.refused.asked import DP, TP, Asked, Refusal, Refusals

EXPERTS, BALANCED = "--enable-expert-parallel", "--enable-eplb"
DCP, PCP = "--decode-context-parallel-size", "--prefill-context-parallel-size"
_NODES, _RANK, _BACKEND = "--nnodes", "--node-rank", "--data-parallel-backend"
_LOCAL, _DP_RANK, _START = "--data-parallel-size-local", "--data-parallel-rank", "--data-parallel-start-rank"
_EXTERNAL, _HYBRID = "--data-parallel-external-lb", "--data-parallel-hybrid-lb"
_DBO, _UBATCH, _ALL2ALL = "--enable-dbo", "--ubatch-size", "--all2all-backend"
_SPLITTING = ("deepep_low_latency", "deepep_high_throughput", "nixl_ep")

_PREFILL_OF_LATENT = "0.26.0"
_NO_REPEATED_HEADS = ("GptOssForCausalLM", "StableLmForCausalLM", "StablelmForCausalLM")
"""Classes that divide their KV heads by the ranks and get none where there are more ranks."""


def parallel(asked: Asked) -> Refusals:
    """Expert, context and data parallelism, nodes and microbatches."""
    yield from _balancing(asked)
    yield from _context(asked)
    yield from _prefill_context(asked)
    yield from _nodes(asked)
    yield from _data(asked)
    yield from _balancers(asked)
    yield from _microbatches(asked)
    yield from _groups(asked)
    yield from _repeated_heads(asked)
    yield from _workers(asked)


def _balancing(asked: Asked) -> Refusals:
    """ParallelConfig: EPLB needs experts spread over ranks, and its redundant experts need EPLB."""
    redundant = asked.object("--eplb-config").get("num_redundant_experts")
    if asked.on(BALANCED):
        if not asked.on(EXPERTS):
            several = asked.tp * asked.dp > 1 and not no_experts(asked.config or None)
            what = f"{BALANCED} needs {EXPERTS}: the server stops without it"
            yield Refusal(
                code="engine-needs",
                flag=BALANCED,
                what=what,
                fix=f"add {EXPERTS}" if several else "delete it",
                add=EXPERTS if several else "",
            )
        elif asked.tp * asked.dp * max(asked.number(PCP) or 1, 1) <= 1:
            what = f"{BALANCED} needs more than one tensor or data parallel rank"
            yield Refusal(code="parallel-sizes", flag=BALANCED, what=what, fix="delete it")
    elif isinstance(redundant, int) and redundant > 0 and asked.since("0.10.2"):
        what = f"{redundant} redundant experts need {BALANCED}"
        yield Refusal(code="engine-needs", flag="--eplb-config", what=what, fix="delete it")
    if asked.on("--enable-elastic-ep") and not asked.on(BALANCED):
        what = f"--enable-elastic-ep needs {BALANCED}"
        yield Refusal(code="engine-needs", flag="--enable-elastic-ep", what=what, fix="delete it")
    elif asked.on("--enable-elastic-ep") and asked.pp > 1:
        what = "--enable-elastic-ep does not go with pipeline stages"
        yield Refusal(code="parallel-sizes", flag="--enable-elastic-ep", what=what, fix="delete it")


def _context(asked: Asked) -> Refusals:
    """ModelConfig.verify_with_parallel_config: decode context parallelism spreads repeated KV heads."""
    parts, shape = asked.number(DCP) or 1, asked.shape
    if parts < 2 or shape is None or shape.mla is not None or not asked.since("0.11.1"):
        return
    heads = max(shape.wide_kv_heads or shape.kv_heads, 1)
    most = asked.tp // heads
    said = ""
    if asked.tp <= heads:
        said = f"tensor parallel {asked.tp} repeats none of the model's {heads} KV heads"
    elif parts > most:
        said = f"tensor parallel {asked.tp} repeats each of the model's {heads} KV heads {most} times only"
    elif (shape.heads // heads) % parts:
        said = f"{shape.heads // heads} query heads a KV head are no multiple of it"
    if said:
        yield Refusal(code="context-parallel", flag=DCP, what=f"{DCP} {parts}: {said}", fix="delete it")


def _prefill_context(asked: Asked) -> Refusals:
    """Only backends of MLA can do it (`supports_pcp`), and decoding spans its axis, all ranks, or none."""
    prefill, decode = asked.number(PCP) or 1, asked.number(DCP) or 1
    latent = asked.shape is None or asked.shape.mla is not None
    if prefill > 1 and not (latent and asked.since(_PREFILL_OF_LATENT)):
        kind = "no attention" if latent else "no attention but the latent kind (MLA)"
        what = f"{PCP}: vLLM {asked.release} spreads {kind} over a prefill"
        yield Refusal(code="context-parallel", flag=PCP, what=what, fix="delete it")
    if prefill > 1 and asked.since("0.26.0") and decode not in (1, prefill, asked.tp * prefill):
        sizes = ", ".join(str(size) for size in sorted({1, prefill, asked.tp * prefill}))
        what = f"beside {PCP} {prefill}, {DCP} must be one of {sizes}"
        yield Refusal(code="context-parallel", flag=DCP, what=what, fix="delete it")


def _nodes(asked: Asked) -> Refusals:
    """EngineArgs.create_engine_config: the ranks are shared evenly by the nodes."""
    nodes, rank = asked.number(_NODES) or 1, asked.number(_RANK) or 0
    if nodes < 2:
        return
    world = asked.tp * asked.pp * asked.dp * max(asked.number(PCP) or 1, 1)
    if world % nodes:
        what = f"{_NODES} {nodes} does not divide the {world} ranks that are asked for"
        yield Refusal(code="parallel-sizes", flag=_NODES, what=what, fix="delete it")
    elif asked.text(_BACKEND) == "ray":
        what = f"{_NODES} goes with {_BACKEND} mp only"
        yield Refusal(code="parallel-sizes", flag=_NODES, what=what, fix="delete it")
    elif rank >= nodes and asked.since("0.27.0"):
        what = f"{_RANK} {rank}: the {nodes} nodes count from 0"
        yield Refusal(code="parallel-sizes", flag=_RANK, what=what, fix=f"write {_RANK} below {nodes}")


def _data(asked: Asked) -> Refusals:
    """ParallelConfig: local ranks and a rank's number lie within all of them."""
    local, rank = asked.number(_LOCAL), asked.number(_DP_RANK)
    if local is not None and local > asked.dp:
        what = f"{_LOCAL} {local} is more than {DP} {asked.dp}"
        yield Refusal(code="parallel-sizes", flag=_LOCAL, what=what, fix="delete it")
    if rank is not None and asked.dp > 1 and rank >= asked.dp:
        what = f"{_DP_RANK} {rank}: the {asked.dp} ranks count from 0"
        yield Refusal(code="parallel-sizes", flag=_DP_RANK, what=what, fix=f"write it below {asked.dp}")
    if rank is not None and local is not None and local > 1:
        what = f"beside {_DP_RANK} there is one local rank, not {local}"
        yield Refusal(code="parallel-sizes", flag=_LOCAL, what=what, fix="delete it")
    outside = bool(asked.on(_EXTERNAL)) or rank is not None
    if outside and asked.dp > 1 and asked.since("0.21.0") and no_experts(asked.config or None):
        flag = _EXTERNAL if asked.on(_EXTERNAL) else _DP_RANK
        what = f"{flag} goes with mixture-of-experts models only: start independent servers instead"
        yield Refusal(code="parallel-sizes", flag=flag, what=what, fix="delete it")


def _balancers(asked: Asked) -> Refusals:
    """EngineArgs.create_engine_config: who spreads the requests over data parallel ranks."""
    external, hybrid = bool(asked.on(_EXTERNAL)), bool(asked.on(_HYBRID))
    if external and asked.dp < 2 and asked.since("0.9.2"):
        what = f"{_EXTERNAL} needs {DP} above 1"
        yield Refusal(code="parallel-sizes", flag=_EXTERNAL, what=what, fix="delete it")
    elif external and hybrid and asked.since("0.27.0"):
        what = f"{_EXTERNAL} and {_HYBRID} exclude each other"
        yield Refusal(code="exclusive", flag=_HYBRID, what=what, fix="delete one")
    elif external and asked.number(_DP_RANK) is None and (asked.number(_NODES) or 1) < 2:
        what = f"{_EXTERNAL} needs {_DP_RANK}"
        yield Refusal(code="engine-needs", flag=_EXTERNAL, what=what, fix=f"add {_DP_RANK}")
    elif hybrid and not external and asked.number(_LOCAL) is None and (asked.number(_NODES) or 1) < 2:
        what = f"{_HYBRID} needs {_LOCAL}"
        yield Refusal(code="engine-needs", flag=_HYBRID, what=what, fix=f"add {_LOCAL}")
    if asked.on("--enable-fault-tolerance") and not external and asked.number(_DP_RANK) is None:
        what = f"--enable-fault-tolerance needs {_EXTERNAL} or {_DP_RANK}"
        yield Refusal(code="engine-needs", flag="--enable-fault-tolerance", what=what, fix="delete it")


def _microbatches(asked: Asked) -> Refusals:
    """VllmConfig.__post_init__: only some exchanges between experts can be split.

    Before 0.14 an environment variable could name the exchange.
    """
    flag = _DBO if asked.on(_DBO) else _UBATCH
    splits = asked.on(_DBO) or (asked.number(_UBATCH) or 0) > 1
    if not splits or not asked.since("0.14.0"):
        return
    exchange = asked.text(_ALL2ALL) or "allgather_reducescatter"
    if exchange not in _SPLITTING:
        what = f"{flag} needs {_ALL2ALL} {', '.join(_SPLITTING[:2])}: {exchange} can't be split"
        yield Refusal(code="engine-needs", flag=flag, what=what, fix="delete it")
    batches = max(asked.number(_UBATCH) or 0, 2)
    for threshold in ("--dbo-decode-token-threshold", "--dbo-prefill-token-threshold"):
        least = asked.number(threshold)
        if least is not None and least < batches and asked.since("0.30.0"):
            what = f"{threshold} {least} is less than the {batches} microbatches"
            yield Refusal(code="parallel-sizes", flag=threshold, what=what, fix="delete it")


def _groups(asked: Asked) -> Refusals:
    """MambaMixer2: ranks share the groups of heads evenly, unless there is one (layers/mamba_mixer2.py)."""
    shape = asked.shape
    if shape is None or shape.state is None or shape.state.kind != "mamba2" or asked.tp < 2:
        return
    told = (asked.text_config.get(key) for key in ("n_groups", "mamba_n_groups"))
    groups = next((count for count in told if isinstance(count, int)), 1)
    if groups > 1 and groups % asked.tp and asked.since("0.10.0"):
        fitting = max(size for size in (1, 2, 4, 8, 16, 32) if groups % size == 0 and size <= asked.tp)
        what = f"tensor parallel {asked.tp} does not divide the {groups} groups of the model's Mamba layers"
        yield Refusal(
            code="tensor-parallel",
            flag="--tensor-parallel-size",
            what=what,
            fix=f"use {fitting}",
            write=f"--tensor-parallel-size={fitting}",
        )


def _repeated_heads(asked: Asked) -> Refusals:
    """gpt_oss.py, stablelm.py: `num_key_value_heads // tp_size` heads a rank must be some."""
    shape = asked.shape
    if shape is not None and asked.architecture in _NO_REPEATED_HEADS and asked.tp > shape.kv_heads:
        what = (
            f"tensor parallel {asked.tp}: {asked.architecture} does not repeat its {shape.kv_heads} KV heads"
        )
        yield Refusal(code="tensor-parallel", flag=TP, what=what, fix=f"use {shape.kv_heads}")


def _workers(asked: Asked) -> Refusals:
    """ParallelConfig._verify_args and what needs one process only."""
    backend = asked.text("--distributed-executor-backend")
    if asked.on("--ray-workers-use-nsight") and backend != "ray":
        what = "--ray-workers-use-nsight needs --distributed-executor-backend ray"
        yield Refusal(code="engine-needs", flag="--ray-workers-use-nsight", what=what, fix="delete it")
    bound = next((flag for flag in ("--numa-bind-nodes", "--numa-bind-cpus") if asked.has(flag)), "")
    if bound and not asked.on("--numa-bind") and asked.since("0.20.0"):
        what = f"{bound} needs --numa-bind"
        yield Refusal(code="engine-needs", flag=bound, what=what, fix="add --numa-bind", add="--numa-bind")
