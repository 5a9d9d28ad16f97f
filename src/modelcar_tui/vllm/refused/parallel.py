"""Parallel sizes and what goes with them (vllm config/parallel.py, config/model.py, engine/arg_utils.py)."""

from __future__ import annotations

from modelcar_tui.models import no_experts
from modelcar_tui.vllm.refused.asked import DP, PCP, TP, Asked, Refusal, Refusals, needs

EXPERTS, BALANCED = "--enable-expert-parallel", "--enable-eplb"
DCP, _ELASTIC = "--decode-context-parallel-size", "--enable-elastic-ep"
_NODES, _RANK, _BACKEND = "--nnodes", "--node-rank", "--data-parallel-backend"
_LOCAL, _DP_RANK, _START = "--data-parallel-size-local", "--data-parallel-rank", "--data-parallel-start-rank"
_EXTERNAL, _HYBRID = "--data-parallel-external-lb", "--data-parallel-hybrid-lb"
_TOLERANT = "--enable-fault-tolerance"
_DBO, _UBATCH, _ALL2ALL = "--enable-dbo", "--ubatch-size", "--all2all-backend"
_SPLITTING = ("deepep_low_latency", "deepep_high_throughput", "nixl_ep")

_PREFILL_OF_LATENT = "0.26.0"
_NO_REPEATED_HEADS = ("GptOssForCausalLM", "StableLmForCausalLM", "StablelmForCausalLM")
"""Classes that divide their KV heads by the ranks and get none where there are more ranks."""


def parallel(asked: Asked) -> Refusals:
    """Expert, context and data parallelism, nodes and microbatches."""
    yield from _balancing(asked)
    yield from _elastic(asked)
    yield from _context(asked)
    yield from _prefill_context(asked)
    yield from _nodes(asked)
    yield from _data(asked)
    yield from _dense(asked)
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
            said = f"{EXPERTS}: the server stops without it"
            yield needs(BALANCED, said, f"add {EXPERTS}", EXPERTS) if several else needs(BALANCED, said)
        elif asked.tp * asked.dp * asked.pcp <= 1:
            what = f"{BALANCED} needs more than one tensor or data parallel rank"
            yield Refusal(code="parallel-sizes", flag=BALANCED, what=what)
    elif isinstance(redundant, int) and redundant > 0 and asked.since("0.10.2"):
        what = f"{redundant} redundant experts need {BALANCED}"
        yield Refusal(code="engine-needs", flag="--eplb-config", what=what)


def _elastic(asked: Asked) -> Refusals:
    """ParallelConfig: experts that move when ranks come and go are balanced, and of one stage."""
    if asked.on(_ELASTIC) and not asked.on(BALANCED):
        yield needs(_ELASTIC, BALANCED)
    elif asked.on(_ELASTIC) and asked.pp > 1:
        what = f"{_ELASTIC} does not go with pipeline stages"
        yield Refusal(code="parallel-sizes", flag=_ELASTIC, what=what)


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
        yield Refusal(code="context-parallel", flag=DCP, what=f"{DCP} {parts}: {said}")


def _prefill_context(asked: Asked) -> Refusals:
    """Only backends of MLA can do it (`supports_pcp`), and decoding spans its axis, all ranks, or none."""
    prefill, decode = asked.number(PCP) or 1, asked.number(DCP) or 1
    latent = asked.shape is None or asked.shape.mla is not None
    if prefill > 1 and not (latent and asked.since(_PREFILL_OF_LATENT)):
        kind = "no attention" if latent else "no attention but the latent kind (MLA)"
        what = f"{PCP}: vLLM {asked.release} spreads {kind} over a prefill"
        yield Refusal(code="context-parallel", flag=PCP, what=what)
    if prefill > 1 and asked.since("0.26.0") and decode not in (1, prefill, asked.tp * prefill):
        sizes = ", ".join(str(size) for size in sorted({1, prefill, asked.tp * prefill}))
        what = f"beside {PCP} {prefill}, {DCP} must be one of {sizes}"
        yield Refusal(code="context-parallel", flag=DCP, what=what)


def _nodes(asked: Asked) -> Refusals:
    """EngineArgs.create_engine_config: the ranks are shared evenly by the nodes."""
    nodes, rank = asked.number(_NODES) or 1, asked.number(_RANK) or 0
    if nodes < 2:
        return
    world = asked.tp * asked.pp * asked.dp * asked.pcp
    if world % nodes:
        what = f"{_NODES} {nodes} does not divide the {world} ranks that are asked for"
        yield Refusal(code="parallel-sizes", flag=_NODES, what=what)
    elif asked.text(_BACKEND) == "ray":
        yield Refusal(code="parallel-sizes", flag=_NODES, what=f"{_NODES} goes with {_BACKEND} mp only")
    elif rank >= nodes and asked.since("0.27.0"):
        what = f"{_RANK} {rank}: the {nodes} nodes count from 0"
        yield Refusal(code="parallel-sizes", flag=_RANK, what=what, fix=f"write {_RANK} below {nodes}")


def _data(asked: Asked) -> Refusals:
    """ParallelConfig: local ranks and a rank's number lie within all of them."""
    local, rank = asked.number(_LOCAL), asked.number(_DP_RANK)
    if local is not None and local > asked.dp:
        what = f"{_LOCAL} {local} is more than {DP} {asked.dp}"
        yield Refusal(code="parallel-sizes", flag=_LOCAL, what=what)
    if rank is not None and asked.dp > 1 and rank >= asked.dp:
        what = f"{_DP_RANK} {rank}: the {asked.dp} ranks count from 0"
        yield Refusal(code="parallel-sizes", flag=_DP_RANK, what=what, fix=f"write it below {asked.dp}")
    if rank is not None and local is not None and local > 1:
        what = f"beside {_DP_RANK} there is one local rank, not {local}"
        yield Refusal(code="parallel-sizes", flag=_LOCAL, what=what)


def _dense(asked: Asked) -> Refusals:
    """ParallelConfig: ranks that are balanced from outside share nothing but experts."""
    flag = _EXTERNAL if asked.on(_EXTERNAL) else _DP_RANK if asked.number(_DP_RANK) is not None else ""
    if flag and asked.dp > 1 and asked.since("0.21.0") and no_experts(asked.config or None):
        what = f"{flag} goes with mixture-of-experts models only: start independent servers instead"
        yield Refusal(code="parallel-sizes", flag=flag, what=what)


def _balancers(asked: Asked) -> Refusals:
    """EngineArgs.create_engine_config: who spreads the requests over data parallel ranks."""
    alone = (asked.number(_NODES) or 1) < 2
    if asked.on(_EXTERNAL):
        yield from _external(asked, alone)
    elif asked.on(_HYBRID) and asked.number(_LOCAL) is None and alone:
        yield needs(_HYBRID, _LOCAL, fix=f"add {_LOCAL}")
    if asked.on(_TOLERANT) and not asked.on(_EXTERNAL) and asked.number(_DP_RANK) is None:
        yield needs(_TOLERANT, f"{_EXTERNAL} or {_DP_RANK}")


def _external(asked: Asked, alone: bool) -> Refusals:
    """A balancer in front of servers of which each is one rank, and has to be told which."""
    if asked.dp < 2 and asked.since("0.9.2"):
        yield Refusal(code="parallel-sizes", flag=_EXTERNAL, what=f"{_EXTERNAL} needs {DP} above 1")
    elif asked.on(_HYBRID) and asked.since("0.27.0"):
        what = f"{_EXTERNAL} and {_HYBRID} exclude each other"
        yield Refusal(code="exclusive", flag=_HYBRID, what=what, fix="delete one")
    elif asked.number(_DP_RANK) is None and alone:
        yield needs(_EXTERNAL, _DP_RANK, fix=f"add {_DP_RANK}")


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
        yield needs(flag, f"{_ALL2ALL} {', '.join(_SPLITTING[:2])}: {exchange} can't be split")
    batches = max(asked.number(_UBATCH) or 0, 2)
    for threshold in ("--dbo-decode-token-threshold", "--dbo-prefill-token-threshold"):
        least = asked.number(threshold)
        if least is not None and least < batches and asked.since("0.30.0"):
            what = f"{threshold} {least} is less than the {batches} microbatches"
            yield Refusal(code="parallel-sizes", flag=threshold, what=what)


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
        fix, write = f"use {fitting}", f"{TP}={fitting}"
        yield Refusal(code="tensor-parallel", flag=TP, what=what, fix=fix, write=write)


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
        yield needs("--ray-workers-use-nsight", "--distributed-executor-backend ray")
    bound = next((flag for flag in ("--numa-bind-nodes", "--numa-bind-cpus") if asked.has(flag)), "")
    if bound and not asked.on("--numa-bind") and asked.since("0.20.0"):
        yield needs(bound, "--numa-bind", fix="add --numa-bind", add="--numa-bind")
