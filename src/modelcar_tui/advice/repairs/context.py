"""`--max-model-len`: as long as the model allows and the KV cache holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.advice.repairs.drafts import IMPROVEMENT, REQUIRED, Drafts
from modelcar_tui.advice.repairs.values import intended
from modelcar_tui.core.facts import Fact, Source, Term
from modelcar_tui.manifest import flag_of
from modelcar_tui.memory import Estimate, Outcome
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm import implied_context, longest_context
from modelcar_tui.vllm.arguments import Argument, config_overrides, heard_overrides, tokens_in

_LENGTH, _OVERRIDES = "--max-model-len", "--hf-overrides"


def propose_context(
    arguments: tuple[Argument, ...],
    facts: ModelFacts,
    estimate: Estimate | None,
    drafts: Drafts,
    vllm: str | None,
    mended: Mapping[str, Any],
) -> None:
    """Cut a context that is too long for the model or the memory; write down one that is only implied.

    Args:
        mended: what another change makes of `--hf-overrides`; empty where none does.
    """
    given = next((item for item in reversed(arguments) if item.name == _LENGTH and item.flag), None)
    wanted = (tokens_in(given.value) or intended(given) or None) if given else None
    changed = heard_overrides(mended, vllm) if mended else config_overrides(arguments, vllm)
    limit = longest_context(facts.config, changed, vllm)
    implied = implied_context(facts.config, changed, vllm)
    room = estimate.longest_context if estimate is not None else Fact[int]()
    refused = estimate is not None and estimate.outcome is Outcome.REFUSED_KV
    ask = wanted if wanted is not None and wanted > 0 else implied
    if wanted == -1 or (ask is None and not refused):
        return
    if refused and room.value is not None and room.value >= 256 and (ask is None or room.value < ask):
        fits = cut_to(room.value)
        asked = f"{ask:,} tokens" if ask else "the context"
        why = f"{asked} of context need more KV cache than is there; {fits:,} fit"
        _write(drafts, given, fits, why, REQUIRED, _evidence(estimate, room))
    elif wanted is not None and limit is not None and wanted > limit and not _is_cut(drafts, limit):
        why = f"the model has {limit:,} positions and {wanted:,} are asked for: vLLM refuses to start"
        _write(drafts, given, limit, why, REQUIRED, _positions(limit))
    elif (
        given is None and implied is not None and estimate is not None and estimate.outcome is Outcome.STARTS
    ):
        why = (
            f"without it vLLM takes {implied:,} from config.json; written down, an update can't change it "
            "silently"
        )
        _write(drafts, None, implied, why, IMPROVEMENT, _positions(implied))
    if mended:
        _bind(drafts, longest_context(facts.config, config_overrides(arguments, vllm), vllm))


def _bind(drafts: Drafts, before: int | None) -> None:
    """A context that only the changed `--hf-overrides` allow goes with them."""
    lengths = [change for change in drafts.all() if flag_of(change.new or "") == _LENGTH]
    if any(before is not None and (_tokens(change.new) or 0) > before for change in lengths):
        others = [change.id for change in drafts.all() if flag_of(change.new or "") == _OVERRIDES]
        drafts.couple(*(change.id for change in lengths), *others)


def _tokens(item: str | None) -> int | None:
    """What `--max-model-len=...` says."""
    return tokens_in((item or "").partition("=")[2])


def _is_cut(drafts: Drafts, limit: int) -> bool:
    """Whether another change writes a context that the model has."""
    written = _tokens(drafts.text_of(_LENGTH))
    return written is not None and 0 < written <= limit


def cut_to(room: int) -> int:
    """The context to write where `room` tokens fit: three binary digits and zeros, as a person would (57344).

    What is cut off is a margin, a hundredth to a fifth: vLLM measures the memory anew at each start, and a
    context that fits to the last token starts on one day and not on the next.
    """
    number = room * 99 // 100
    step = 1 << max(number.bit_length() - 3, 0)
    return number // step * step if number >= 256 else number


def _write(
    drafts: Drafts, given: Argument | None, length: int, why: str, severity: str, evidence: tuple[Term, ...]
) -> None:
    item = f"{_LENGTH}={length}"
    if given is None:
        drafts.add(item, why, severity, evidence=evidence)
    else:
        made = drafts.set(given, item, why, severity, evidence=evidence)
        if not made and severity == REQUIRED:
            drafts.revise(_LENGTH, item, why)


def _positions(limit: int) -> tuple[Term, ...]:
    return (Term("positions of the model", limit, "tokens", Source.MODEL_CONFIG, "max_position_embeddings"),)


def _evidence(estimate: Estimate | None, room: Fact[int]) -> tuple[Term, ...]:
    terms = [Term("longest context that fits", float(room.value or 0), "tokens", room.source, room.note)]
    if estimate is not None and estimate.kv_available_gib.value is not None:
        kv = estimate.kv_available_gib
        terms.append(Term("memory for the KV cache", float(kv.value or 0), "GiB", kv.source, kv.note))
    return tuple(terms)
