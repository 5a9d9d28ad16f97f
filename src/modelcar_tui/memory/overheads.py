"""Memory outside torch's tensors: the CUDA context, communication buffers, CUDA graphs."""

from __future__ import annotations

from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware import Gpu
from modelcar_tui.memory import graphs as cuda_graphs
from modelcar_tui.memory import rocm, second_runner
from modelcar_tui.memory.graphs import Part
from modelcar_tui.memory.start import Start

_PEER = 0.06 * GIB
"""NCCL's buffers for each further GPU over NVLink: of two GPUs 2.09 GiB, of four 2.21, of eight 2.45 in 24
logs of 0.18 and later; 0.55, 0.66 and 0.9 in 8 before."""
_FIRST_OF_LINKED, _FIRST_OF_RANKS = (0.65 * GIB, 1.30 * GIB), (0.0, 0.25 * GIB)
"""Four H100 with Model Runner V2 took 2.04 GiB, of which the graphs are 0.74 to 1.39 (vllm pull request
48601; it then died in the warm-up). Over PCIe what profiled graphs add to memory outside torch."""
_PEERS_COUNT = (0, 11, 1)
_HOST = 0.0, 1.3 * GIB
"""What vLLM's processes take of a memory that is the card's and the host's (utils/mem_utils.py): none in a
log of GB10 with 0.11.0, 1.2 GiB in one with 0.27.1."""


def non_torch(start: Start) -> float:
    """Bytes that grow outside torch between start and the end of the profile."""
    return sum(size for _, size, _ in non_torch_parts(start))


def non_torch_parts(start: Start) -> tuple[Part, ...]:
    """The same, what a GPU keeps for itself and what for the others; all of it measured."""
    if rocm.on_rocm(start.gpu) and not start.profile.engine_v0:
        return rocm.outside_parts(start)
    ranks, link = start.args.tp, "NVLink" if _linked(start.gpu) else "PCIe"
    whole, alone = _non_torch(start, ranks), _non_torch(start, 1)
    own = [("CUDA context and libraries", min(whole, alone), "grown while profiling; measured, 0.7 to 0.20")]
    if start.gpu.unified:
        own.append(("vLLM's own processes", start.between(*_HOST), "in the same memory; measured, two logs"))
    if ranks == 1:
        return tuple(own)
    return *own, ("NCCL's buffers", whole - own[0][1], f"of {ranks} GPUs over {link}; measured, 0.7 to 0.20")


def _non_torch(start: Start, ranks: int) -> float:
    args, profile = start.args, start.profile
    big, linked = _large(start.gpu), _linked(start.gpu)
    if profile.engine_v0:
        return _old_engine(start, ranks)
    if profile.counts_the_whole_card:
        return _whole_card(start, ranks)
    profiled = _graphs_profiled(start)
    alone = 0.25 if profiled else 0.13
    if ranks == 1:
        return (0.07 if args.pp > 1 else alone) * GIB if big else (alone if profiled else 0.05) * GIB
    if not linked:
        return (0.6 if profiled else 0.35) * GIB
    peers = _PEER * (ranks - 2) if profile.number >= _PEERS_COUNT else 0.0
    return (2.09 if profiled else 0.55) * GIB + peers


def _graphs_profiled(start: Start) -> bool:
    """Whether graphs were captured before memory outside torch is measured. Where Model Runner V2 captures
    none, one log of H100 has 0.6 GiB of four GPUs, one of an RTX 3050 next to nothing."""
    return start.profile.graphs_profiled and second_runner.profiles_graphs(start)


def _whole_card(start: Start, ranks: int) -> float:
    """0.8.0 to 0.9.0: all that is in use on the card but torch's bytes (v1/worker/gpu_worker.py). 0.48 and
    0.49 GiB in two logs of A100, 0.42 in one of a 4090."""
    grown = 0.13 if (start.gpu.capability or 9.0) % 1 == 0 else 0.05
    return _in_use(start, ranks) + grown * GIB


def _old_engine(start: Start, ranks: int) -> float:
    """V0: grown since the worker's snapshot, which the context precedes and NCCL does not (worker/worker.py
    from 0.7.0 on; before, all that was in use counted). 0.01 to 0.03 in the logs of T4, 0.08 and 0.09 on
    newer cards; 0.34 to 0.43 of four A100."""
    if start.profile.release < (0, 7):
        return (0.5 if _large(start.gpu) else 0.30) * GIB * (1 if ranks == 1 else 1.2)
    old = (start.gpu.capability or 9.0) < 8
    return ((0.03 if old else 0.09) + (0.34 if ranks > 1 else 0.0)) * GIB


def used_at_start(start: Start) -> float:
    """Bytes of an idle card that are gone before vLLM measures: its CUDA context, and NCCL's with several
    GPUs (over PCIe those of one log each of L40S and RTX PRO 6000). Nothing where vLLM counts the whole card:
    it is in `non_torch` then."""
    return 0.0 if start.profile.counts_the_whole_card else _in_use(start, start.args.tp * start.args.pp)


def _in_use(start: Start, ranks: int) -> float:
    gpu = start.gpu
    if gpu.free_gib.known and gpu.visible_gib.known:
        return max(0.0, (gpu.visible_gib.value or 0.0) - (gpu.free_gib.value or 0.0)) * GIB
    if ranks == 1:
        return (0.51 if _large(gpu) else 0.35) * GIB
    return (1.55 if _linked(gpu) else 0.96 if _large(gpu) else 0.7) * GIB


def deducts_graphs(start: Start) -> bool:
    """Whether an estimate of the CUDA graphs is taken from the KV budget."""
    profile = start.profile
    by_release = rocm.deducts_graphs(profile) if rocm.on_rocm(start.gpu) else profile.graphs_deducted
    return by_release and second_runner.profiles_graphs(start)


def graphs(start: Start, *, estimate: bool, least: bool = False) -> float:
    """Bytes of the CUDA graphs: what capture takes, or what vLLM estimates before it, at most or at least."""
    return sum(size for _, size, _ in graph_parts(start, estimate=estimate, least=least))


def graph_parts(start: Start, *, estimate: bool, least: bool = False) -> tuple[Part, ...]:
    """The same by what they grow with."""
    if start.switches.cuda_graphs.on is False:
        return ()
    if rocm.on_rocm(start.gpu):
        return rocm.graph_parts(start.at(0.0) if least else start)
    if estimate:
        return cuda_graphs.estimated(start, least=least)
    return *cuda_graphs.captured(start, least=least), *_ranks_graphs(start, least=least)


def _ranks_graphs(start: Start, *, least: bool) -> tuple[Part, ...]:
    """What ranks take with their first graph, where no profile captured one before: Model Runner V2's up to
    0.28."""
    if start.args.tp == 1 or not start.profile.graphs_profiled or second_runner.profiles_graphs(start):
        return ()
    size = (_FIRST_OF_LINKED if _linked(start.gpu) else _FIRST_OF_RANKS)[0 if least else 1]
    return (("NCCL's buffers", size, "with the first graph; measured, one log"),) if size else ()


def _linked(gpu: Gpu) -> bool:
    """Whether NVLink joins it to the next card; of one whose form nobody knows, its class tells."""
    if gpu.link:
        return gpu.link == "NVLink"
    capability = gpu.capability
    return _large(gpu) and (capability is None or capability < 11)


def _large(gpu: Gpu) -> bool:
    """Data-centre cards, whose context is larger: their memory tells."""
    return (gpu.visible_gib.value or gpu.memory_gib.value or 0.0) >= 70
