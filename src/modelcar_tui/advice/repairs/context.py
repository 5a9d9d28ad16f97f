"""`--max-model-len`: as long as the model allows and the KV cache holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from modelcar_tui.advice.repairs.drafts import IMPROVEMENT, REQUIRED, Drafts
from modelcar_tui.advice.repairs.values import intended
from modelcar_tui.core.facts import Source, Term
from modelcar_tui.manifest import flag_of
from modelcar_tui.memory import Estimate, Outcome
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm import implied_context, longest_context
from modelcar_tui.vllm.arguments import (
    Argument,
    config_overrides,
    heard_overrides,
    last_given,
    parse_arguments,
    tokens_in,
)

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
    given = last_given(arguments, _LENGTH)
    counts, wanted = _asked(given, drafts, vllm)
    changed = heard_overrides(mended, vllm) if mended else config_overrides(arguments, vllm)
    implied = implied_context(facts.config, changed, vllm)
    ask = wanted if wanted > 0 else implied
    outcome = estimate.outcome if estimate is not None else None
    if wanted == -1 or (ask is None and outcome is not Outcome.REFUSED_KV):
        return
    cut = _to_the_cache(ask, estimate)
    cut = cut or _to_the_model(wanted, longest_context(facts.config, changed, vllm), drafts)
    if cut is not None:
        _write(drafts, given, cut, REQUIRED)
    elif counts is None and implied is not None and outcome is Outcome.STARTS:
        why = "without it vLLM takes {:,} from config.json; written down, an update can't change it silently"
        _write(drafts, None, _Context(implied, why.format(implied), _positions(implied)), IMPROVEMENT)
    if mended:
        _bind(drafts, longest_context(facts.config, config_overrides(arguments, vllm), vllm))


def _asked(given: Argument | None, drafts: Drafts, vllm: str | None) -> tuple[Argument | None, int]:
    """The argument that counts, the model's own or its runtime's, and its tokens; 0 where none tells."""
    counts = given or last_given(parse_arguments(drafts.car.serving.before, vllm), _LENGTH)
    return counts, (tokens_in(counts.value) or intended(counts)) if counts else 0


class _Context(NamedTuple):
    """A context to write, in tokens."""

    length: int
    why: str
    evidence: tuple[Term, ...]


def _to_the_cache(ask: int | None, estimate: Estimate | None) -> _Context | None:
    """What the KV cache holds, where vLLM refuses the context for it."""
    if estimate is None or estimate.outcome is not Outcome.REFUSED_KV:
        return None
    room, kv = estimate.longest_context, estimate.kv_available_gib
    if room.value is None or room.value < 256 or (ask is not None and room.value >= ask):
        return None
    fits = cut_to(room.value)
    asked = f"{ask:,} tokens" if ask else "the context"
    why = f"{asked} of context need more KV cache than is there; {fits:,} fit"
    terms = [Term("longest context that fits", float(room.value), "tokens", room.source, room.note)]
    if kv.value is not None:
        terms.append(Term("memory for the KV cache", float(kv.value), "GiB", kv.source, kv.note))
    return _Context(fits, why, tuple(terms))


def _to_the_model(wanted: int, limit: int | None, drafts: Drafts) -> _Context | None:
    """All positions of the model, where more are asked for and no other change writes what it has."""
    written = _tokens(drafts.text_of(_LENGTH))
    allowed = drafts.car.serving.long_context
    if limit is None or wanted <= limit or allowed or (written is not None and 0 < written <= limit):
        return None
    why = f"the model has {limit:,} positions and {wanted:,} are asked for: vLLM refuses to start"
    return _Context(limit, why, _positions(limit))


def _bind(drafts: Drafts, before: int | None) -> None:
    """A context that only the changed `--hf-overrides` allow goes with them."""
    lengths = [change for change in drafts.all() if flag_of(change.new or "") == _LENGTH]
    if any(before is not None and (_tokens(change.new) or 0) > before for change in lengths):
        others = [change.id for change in drafts.all() if flag_of(change.new or "") == _OVERRIDES]
        drafts.couple(*(change.id for change in lengths), *others)


def _tokens(item: str | None) -> int | None:
    """What `--max-model-len=...` says."""
    return tokens_in((item or "").partition("=")[2])


def cut_to(room: int) -> int:
    """The context to write where `room` tokens fit: three binary digits and zeros, as a person would (57344).

    What is cut off is a margin, a hundredth to a fifth: vLLM measures the memory anew at each start, and a
    context that fits to the last token starts on one day and not on the next.
    """
    number = room * 99 // 100
    step = 1 << max(number.bit_length() - 3, 0)
    return number // step * step if number >= 256 else number


def _write(drafts: Drafts, given: Argument | None, context: _Context, severity: str) -> None:
    item, why = f"{_LENGTH}={context.length}", context.why
    if given is None:
        drafts.add(item, why, severity, evidence=context.evidence)
    elif not drafts.set(given, item, why, severity, evidence=context.evidence):
        drafts.revise(_LENGTH, item, why)


def _positions(limit: int) -> tuple[Term, ...]:
    return (Term("positions of the model", limit, "tokens", Source.MODEL_CONFIG, "max_position_embeddings"),)
