"""The sentence and the numbers beside each value that the solver sets."""

from __future__ import annotations

from modelcar_tui.advice.solver.search import Found, Search
from modelcar_tui.advice.solver.tuning import Tuning
from modelcar_tui.core.facts import GIB, Fact, Term
from modelcar_tui.memory import Estimate, Outcome


def reasons(search: Search, before: Estimate, found: Found) -> dict[str, str]:
    """One sentence for each value of the tuning, by its name there; a caution where it starts only just."""
    told: dict[str, str] = {}
    for knob in found.tuning.set_knobs():
        without = search.run(found.tuning.without(knob))
        lead = _lead(knob, search, without, found)
        needed = without.outcome is not Outcome.STARTS and knob != "length"
        told[knob] = (
            f"{lead}; without it {without.why}" if needed else lead + _gain(knob, without, found.estimate)
        )
    last = next((knob for knob in ("length", *reversed(tuple(told))) if knob in told), "")
    if last and found.estimate.caution:
        told[last] += f". {found.estimate.caution[0].upper()}{found.estimate.caution[1:]}"
    return told


def evidence(before: Estimate, after: Estimate) -> tuple[Term, ...]:
    """The numbers before and after, for the answer to "why?"."""
    terms: list[Term] = []
    for label, name in (
        ("weights", "weights_gib"),
        ("KV cache", "kv_available_gib"),
        ("needed GPU memory", "required_gib"),
    ):
        for when, result in (("before", before), ("after", after)):
            fact: Fact[float] = getattr(result, name)
            if fact.value is not None:
                terms.append(Term(f"{label} {when}", float(fact.value), "GiB", fact.source, fact.note))
    return tuple(terms)


def _lead(knob: str, search: Search, without: Estimate, found: Found) -> str:
    tuning, after = found.tuning, found.estimate
    match knob:
        case "length":
            return _length(search, without, tuning, after)
        case "gpus":
            count = tuning.gpus or 1
            part, whole = _gib(after.weights_gib), _gib(without.weights_gib)
            weights = f": {whole} of weights become {part} each" if part and whole else ""
            return f"{count} GPU{'s' if count > 1 else ''} instead of {search.gpu_count}{weights}"
        case "experts":
            return "each GPU holds whole experts instead of a shard of each"
        case "sequences":
            return _fewer(f"{tuning.sequences} requests at once", without, after)
        case "batched":
            change = _change(without.activation_gib, after.activation_gib)
            return f"{tuning.batched} tokens a step keep the activations small{change}"
        case "utilization":
            return _share(tuning.utilization or 0.0, search.share, without, after)
        case "kv_dtype":
            room = after.kv_tokens.least
            tokens = f" ({room:,.0f} tokens fit)" if room else ""
            return f"an fp8 KV cache takes half the memory of a 16-bit one{tokens}"
    freed = _gib(without.cuda_graph_gib)
    return f"no CUDA graphs{f': {freed} are free' if freed else ''}, answers come somewhat slower"


def _fewer(requests: str, without: Estimate, after: Estimate) -> str:
    """What they spare most of: the sampler's buffers, or the CUDA graphs."""
    sampler, graphs = (
        (getattr(without, name).value or 0.0) - (getattr(after, name).value or 0.0)
        for name in ("activation_gib", "cuda_graph_gib")
    )
    if graphs > sampler:
        return f"{requests} need fewer CUDA graphs{_change(without.cuda_graph_gib, after.cuda_graph_gib)}"
    change = _change(without.activation_gib, after.activation_gib)
    return f"{requests} keep the sampler's buffers small{change}"


def _share(share: float, today: float, without: Estimate, after: Estimate) -> str:
    if share < today:
        return f"vLLM asks for {share:.0%} of the GPU instead of {today:.0%}"
    change = _change(without.kv_available_gib, after.kv_available_gib, "for the KV cache ")
    return f"vLLM may use {share:.0%} of the GPU instead of {today:.0%}{change}"


def _length(search: Search, without: Estimate, tuning: Tuning, after: Estimate) -> str:
    new, asked = tuning.length or 0, search.asked
    if asked and new > asked:
        return f"{new:,} tokens of context fit instead of {asked:,}{_requests(after)}"
    rate, have = without.kv_bytes_per_token.value, without.kv_available_gib.value
    if asked and rate and have is not None and without.outcome is Outcome.REFUSED_KV:
        need = asked * rate / GIB
        return (
            f"{asked:,} tokens need {need:.1f} GiB of KV cache, {max(have, 0):.1f} GiB are there; "
            f"{new:,} fit{_requests(after)}"
        )
    if asked and new < asked:
        return f"{asked:,} tokens of context do not fit ({without.why}); {new:,} do{_requests(after)}"
    return f"{new:,} tokens of context, written down{_requests(after)}"


def _gain(knob: str, without: Estimate, after: Estimate) -> str:
    """How many more requests of the full context fit at once."""
    old, new = without.max_concurrency.value, after.max_concurrency.value
    if knob in ("length", "gpus") or not old or not new or new < old * 1.02:
        return ""
    return f"; {old:.1f} requests of the full context at once become {new:.1f}"


def _requests(after: Estimate) -> str:
    often = after.max_concurrency.least
    return "" if often is None else f" with {often:.1f} requests of that length at once"


def _change(before: Fact[float], after: Fact[float], label: str = "") -> str:
    if before.value is None or after.value is None:
        return ""
    return f": {label}{max(before.value, 0.0):.2f} GiB become {max(after.value, 0.0):.2f}"


def _gib(fact: Fact[float]) -> str:
    return "" if fact.value is None else f"{fact.value:.1f} GiB"
