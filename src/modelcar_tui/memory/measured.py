"""Whether a start that was measured is this one, or one of which this one's parts are told."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.hardware import Gpu, row_named
from modelcar_tui.manifest import engine_variables
from modelcar_tui.memory.computed import prepared
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models import MeasuredStart, ModelFacts, model_fingerprint
from modelcar_tui.vllm.arguments import EngineArgs, parse_arguments, read_engine_args

_SIZES = frozenset({"--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"})
_FREE = (
    "gpu_memory_utilization",
    "max_model_len",
    "kv_cache_memory_bytes",
    "num_gpu_blocks_override",
    "long_context_allowed",
)
"""On none of these does a part hang that is no KV cache, unless a formula of ours says so."""
_LEFT_TO_VLLM = (
    "max_num_seqs",
    "max_num_batched_tokens",
    "chunked_prefill",
    "prefix_caching",
    "async_scheduling",
    "hybrid_kv_manager",
    "logprobs_mode",
)
"""What may be written out or left to the release's own default."""
_OF_NO_MEMORY = frozenset(
    {
        "--tokenizer",
        "--tokenizer-mode",
        "--tokenizer-revision",
        "--revision",
        "--code-revision",
        "--chat-template",
        "--chat-template-content-format",
        "--default-chat-template-kwargs",
        "--response-role",
        "--enable-auto-tool-choice",
        "--tool-call-parser",
        "--reasoning-parser",
        "--generation-config",
        "--override-generation-config",
        "--allowed-local-media-path",
        "--download-dir",
        "--api-server-count",
        "--scheduling-policy",
        "--prefix-caching-hash-algo",
    }
)
"""What a server is told beside memory on which none of a GPU's parts hangs; of the rest nobody knows."""
_SAME = 0.01
"""Two labels of one card differ by less, as drivers print them."""
_OWN_GIB, _OWN_OF_ONE_GIB, _SMALL_GIB = 3.0, 1.5, 30.0
"""The most that a start of its own takes of an idle card before vLLM measures: 2.01 GiB with peers in the
real logs, 1.11 on one card (a desktop's); the second bound is that of one small card."""
_SUM = frozenset({"weights_gib", "activation_gib", "kv_cache_gib"})
_OF_THE_SUMS = (Outcome.STARTS, Outcome.REFUSED_KV, Outcome.REFUSED_NO_KV)
"""Ends whose log has all parts of the sum."""


class Fit(StrEnum):
    """How near a measured start is to one that is asked about."""

    EXACT = "exact"
    NEAR = "near"
    NONE = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One start that is asked about, or that was measured, in the form in which two are compared."""

    facts: ModelFacts
    gpu: Gpu
    args: EngineArgs
    vllm: str
    start: Start | None
    """As it is computed; None where the model can't be described."""
    resolved: EngineArgs
    """With vLLM's own numbers and switches where none are given: an explicit default is none."""


def asked(facts: ModelFacts, gpu: Gpu, args: EngineArgs, vllm: str) -> Asked:
    """The start in that form."""
    start = prepared(facts, gpu, args, vllm=vllm)
    return Asked(
        facts=facts, gpu=gpu, args=args, vllm=vllm, start=start, resolved=_resolved(args, start, gpu)
    )


def measured_args(start: MeasuredStart) -> EngineArgs:
    """What its engine was told."""
    read = read_engine_args(start.args, None, start.vllm)
    named = {one.name for one in parse_arguments(start.args, start.vllm) if one.flag is not None}
    return msgspec.structs.replace(
        read,
        tp=read.tp if named & _SIZES else start.implied_size,
        long_context_allowed=start.long_context,
        variables=engine_variables(start.environment),
    )


def measured_problems(start: MeasuredStart) -> frozenset[str]:
    """What vLLM's parser is believed to refuse of arguments with which it was started."""
    return frozenset(measured_args(start).problems)


def outcome_of(start: MeasuredStart) -> Outcome | None:
    """How it ended; None for a word of another version, and where nobody can say."""
    try:
        found = Outcome(start.outcome)
    except ValueError:
        return None
    return None if found is Outcome.UNKNOWN else found


def of_it(facts: ModelFacts, gpu: Gpu, vllm: str | None) -> tuple[MeasuredStart, ...]:
    """The starts of this very model on this very card with this very release, newest first; of those that
    were started and ended alike the newest. A release that is not known is none."""
    fingerprint = model_fingerprint(facts) if facts.measured and vllm else ""
    if not fingerprint or vllm is None:
        return ()
    found = [
        one
        for one in facts.measured
        if one.fingerprint == fingerprint
        and same_release(one.vllm, vllm)
        and same_card(one, gpu)
        and outcome_of(one) is not None
    ]
    newest: dict[tuple[object, ...], MeasuredStart] = {}
    for one in sorted(found, key=lambda one: -one.at):
        newest.setdefault(
            (*_started(one), one.outcome, others_held(one, gpu) > 0, {*one.figures} >= _SUM), one
        )
    return tuple(newest.values())


def _started(one: MeasuredStart) -> tuple[object, ...]:
    return one.vllm, one.args, one.implied_size, one.long_context, one.environment


def fit(measured: MeasuredStart, of: Asked) -> Fit:
    """How near one of `of_it` is."""
    args = measured_args(measured)
    if args.unknown or of.args.unknown or args.variables != of.args.variables:
        return Fit.NONE
    if {*args.problems} != {*(of.args.problems or of.args.faults)}:
        return Fit.NONE  # what the parser could not read stands in no other field
    if differences(args, of.args) - {*_FREE, *_LEFT_TO_VLLM, "beside", "problems", "faults", "doubts"}:
        return Fit.NONE
    if {flag for flag, _ in {*args.beside} ^ {*of.args.beside}} - _of_no_memory(of.facts):
        return Fit.NONE
    was = _resolved(args, prepared(of.facts, of.gpu, args, vllm=of.vllm), of.gpu)
    disturbed = others_held(measured, of.gpu) > 0
    if was == of.resolved and (not disturbed or outcome_of(measured) is Outcome.STARTS):
        return Fit.EXACT if _as_free(measured, of.gpu) else _near(measured, args, of)
    if disturbed:
        return Fit.NONE
    if differences(was, of.resolved) - {*_FREE, "beside"}:
        return Fit.NONE
    return _near(measured, args, of)


def differences(one: EngineArgs, other: EngineArgs) -> set[str]:
    """The fields in which they differ."""
    return {name for name in EngineArgs.__struct_fields__ if getattr(one, name) != getattr(other, name)}


def same_release(logged: str, told: str) -> bool:
    """Whether both are one release: a vendor's build counts where both say which."""
    (one, _, mine), (other, _, theirs) = (
        text.strip().lower().removeprefix("v").partition("+") for text in (logged, told)
    )
    return bool(one) and one == other and (not mine or not theirs or mine == theirs)


def same_card(measured: MeasuredStart, gpu: Gpu) -> bool:
    """Whether it is the same kind of card: a MIG slice or a share of one is another."""
    units = [name.strip().lower().partition("-mig-") for name in (measured.gpu, gpu.product)]
    (name, _, cut), (told, _, profile) = units
    if cut != (profile or gpu.profile.lower()) or name.endswith("-shared") != told.endswith("-shared"):
        return False
    rows = row_named(name), row_named(told)
    if name != told and (rows[0] is None or rows[0] is not rows[1]):
        return False
    memory = gpu.memory_gib.value
    if measured.memory_mib is None or memory is None:
        return measured.memory_mib is None and memory is None
    return abs(measured.memory_mib / 1024 - memory) <= _SAME * memory


def _of_no_memory(facts: ModelFacts) -> frozenset[str]:
    """Without code of its own a model is the same, trusted or not."""
    return _OF_NO_MEMORY if (facts.config or {}).get("auto_map") else _OF_NO_MEMORY | {"--trust-remote-code"}


def others_held(measured: MeasuredStart, gpu: Gpu) -> float:
    """GiB of the card that were in use by others when it started, beyond what is said of this one; 0 where
    they are not many, and where the log or the card does not tell."""
    total, free = measured.figures.get("total_gib"), measured.figures.get("free_gib")
    if total is None or free is None or gpu.unified:
        return 0.0
    held = total - free
    if gpu.free_gib.value is not None:
        held -= max(0.0, (gpu.visible_gib.value or total) - gpu.free_gib.value)
    alone = measured.gpus == 1 and total < _SMALL_GIB
    return held if held > (_OWN_OF_ONE_GIB if alone else _OWN_GIB) else 0.0


def _as_free(measured: MeasuredStart, gpu: Gpu) -> bool:
    """Whether as much of the card is free as was then: all that is not in use by nobody."""
    free = gpu.free_gib.value
    if free is None:
        return True
    was = measured.figures.get("free_gib")
    return was is not None and abs(was - free) <= _SAME * free


def _near(measured: MeasuredStart, args: EngineArgs, of: Asked) -> Fit:
    if of.start is None or not of.start.profile.known or outcome_of(measured) not in _OF_THE_SUMS:
        return Fit.NONE
    if args.pp > 1 or args.speculative or args.kv_connector_module or args.problems:
        return Fit.NONE  # of several stages the log's worst are not one stage's; of drafts nobody knows which
    return Fit.NEAR


def _resolved(args: EngineArgs, start: Start | None, gpu: Gpu) -> EngineArgs:
    plain = msgspec.structs.replace(
        args, problems=(), faults=(), doubts=(), logprobs_mode=args.logprobs_mode.lower()
    )
    if start is None:
        return plain
    limits, switches = start.limits, start.switches
    return msgspec.structs.replace(
        plain,
        gpu_memory_utilization=limits.utilization,
        max_model_len=-1 if limits.auto_context else limits.context,
        max_num_seqs=limits.seqs,
        max_num_batched_tokens=limits.batch,
        chunked_prefill=switches.chunked_prefill.on,
        prefix_caching=switches.prefix_caching.on,
        async_scheduling=switches.async_scheduling.on,
        hybrid_kv_manager=switches.hybrid_manager.on,
    )
