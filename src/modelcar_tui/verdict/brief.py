"""Verdict and reason in forms from long to short: a face takes the longest that fits and cuts none.

Every form is true by itself; a shorter one says less, not something else. Only a model's name may be cut,
in its middle, which is why it stands apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from modelcar_tui.cluster.types import State
from modelcar_tui.core.counting import several
from modelcar_tui.memory import Estimate, Outcome
from modelcar_tui.qa import FAILED_STATUSES, QaModelResult, QaOutcome, cut_model_name
from modelcar_tui.verdict.measured import qa_failed
from modelcar_tui.verdict.reports import Condition, DecisionReport, Holds, ModelVerdict, Verdict

_FEWEST_WORDS = 3
"""Of a clause that stands alone."""
_MEMORY = (
    Outcome.OOM_LOAD,
    Outcome.OOM_WARMUP,
    Outcome.OOM_GRAPH_CAPTURE,
    Outcome.REFUSED_FREE_MEMORY,
    Outcome.REFUSED_NO_KV,
)
_SPELLED = {
    "oom": "out of memory",
    "kv": "KV",
    **{word: word.upper() for word in ("cuda", "dsc", "gpu", "hf", "shm")},
}
"""Words of QA's codes that are not written in lower case, or not at all."""
MEASURED = "measured"
_LONG, _TERSE = "the GPUs are unknown: ", "no GPUs known: "


class Brief(msgspec.Struct, frozen=True):
    """One form of a reason."""

    what: str
    model: str = ""
    """Of which model, where it is one of several."""
    count: bool = False
    """It only says how many."""

    def __str__(self) -> str:
        return f"{self.model}: {self.what}" if self.model else self.what


def head_forms(
    word: str, verdict: Verdict, conditions: Iterable[Condition], short: Mapping[str, str]
) -> tuple[str, ...]:
    """The word with what it hangs on, ever shorter: `GO with gpu_count 2 accepted`, `GO with 1 change`.

    Args:
        word: a verdict, or another word that has no conditions.
        verdict: the one that stands.
        conditions: of the run or of a model.
        short: a shorter text of some conditions, by their text.
    """
    told = [condition.text for condition in conditions if condition.holds is not Holds.NO]
    if not told or word != verdict or verdict is Verdict.NO_GO:
        return (word,)
    stem = word if verdict is Verdict.GO else f"{word}, {Verdict.GO}"
    briefly = [short.get(text) or _bare(text) for text in told]
    count = f"{word}, {len(told)} condition{'s' * (len(told) != 1)}"
    return _unlike([f"{stem} {', '.join(told)}", f"{stem} {', '.join(briefly)}", count])


def reason_forms(report: DecisionReport, qa: QaOutcome | None, why: str) -> tuple[Brief, ...]:
    """Why the verdict stands, grouped by reason; the last form always fits.

    Args:
        report: the decision as it stands, under QA's result and the votes.
        qa: how QA ended.
        why: the reason in full, as texts tell it.
    """
    if qa is not None and qa_failed(qa):
        return _forms(_failed(report, qa, why))
    lowered = report.unvoted is not None and report.unvoted.verdict is not report.verdict
    blocked = any(check.state is State.BLOCKED for check in report.checks)
    deciding = [model for model in report.models if model.verdict is report.verdict]
    if report.verdict is Verdict.GO:
        return _forms(_served(report.models, why))
    if lowered or blocked or not deciding:
        return _forms(_of_text(why, "the reason stands in the summary"))
    beside = [Brief(why)] if any(vote.verdict is report.verdict for vote in report.votes) else []
    return _forms([*beside, *_of_models(deciding, len(report.models))])


def text_forms(text: str) -> tuple[Brief, ...]:
    """A reason that is of no model."""
    return _forms(_of_text(text, ""))


def clauses(text: str) -> Iterator[str]:
    """`text`, then without what is in parentheses, then with ever fewer of its clauses."""
    text = _TERSE + text.removeprefix(_LONG) if text.startswith(_LONG) else text
    yield text
    text = re.sub(r" \([^()]*\)", "", text)
    yield text
    for mark in ("; ", ", ", ": "):
        while mark in text:
            text = text.rpartition(mark)[0]
            if len(text.split()) < _FEWEST_WORDS:
                return
            yield text


def cause_in_words(code: str) -> str:
    """`CUDA out of memory` of `CUDA_OOM`, whatever stands before the last colon."""
    words = code.rpartition(":")[2].lower().split("_")
    return " ".join(_SPELLED.get(word, word) for word in words)


def tally(qa: QaOutcome | None) -> str:
    """`4 passed, 1 failed` of the models; empty where QA was not asked for, or told of none."""
    if qa is None or qa.skipped or not qa.models:
        return "skipped" if qa is not None and qa.skipped else ""
    passed = sum(model.status == "PASSED" for model in qa.models)
    failed = sum(model.status in FAILED_STATUSES for model in qa.models)
    return f"{passed} passed, {failed} failed" if failed else f"{passed} passed" if passed else ""


def is_measured(estimate: Estimate | None) -> bool:
    """Whether a start with these very arguments decides it: nothing of it is a prediction."""
    return estimate is not None and estimate.measured is not None and estimate.exact


def of_them_measured(models: Sequence[ModelVerdict]) -> str:
    """`, as measured`, `, 2 of them measured`: of models that can be served; empty where none was."""
    count = sum(is_measured(model.estimate) for model in models)
    if not count:
        return ""
    return f", as {MEASURED}" if count == len(models) else f", {count} of them {MEASURED}"


def _forms(forms: Iterable[Brief]) -> tuple[Brief, ...]:
    """Each once, without those that a longer one before them makes needless."""
    kept: list[Brief] = []
    for form in forms:
        if form.what and (not kept or len(str(form)) < len(str(kept[-1]))):
            kept.append(form)
    return tuple(kept)


def _unlike(forms: Iterable[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for form in forms:
        if not kept or len(form) < len(kept[-1]):
            kept.append(form)
    return tuple(kept)


def _bare(condition: str) -> str:
    """Without the model that it is of, and without the count of images."""
    return re.sub(r" \([^()]*\)$", "", condition).partition(":")[0]


def _served(models: Sequence[ModelVerdict], why: str) -> Iterator[Brief]:
    yield Brief(why)
    count, told = len(models), of_them_measured(models)
    generated = " as generated" if "generated" in why else ""
    whose = {1: "the model", 2: "both models"}.get(count, f"all {several(count, 'model')}")
    yield Brief(f"{whose} can be served{generated}{told}")
    yield Brief(whose, count=True)


def _of_text(why: str, last: str) -> Iterator[Brief]:
    yield from map(Brief, clauses(why))
    yield Brief(last, count=True)


def _of_models(deciding: list[ModelVerdict], count: int) -> Iterator[Brief]:
    groups: dict[str, list[ModelVerdict]] = {}
    for model in deciding:
        groups.setdefault(model.why, []).append(model)
    share = f"{len(deciding)} of {several(count, 'model')}" if count > 1 else "the model"
    if len(groups) == 1:
        (why,) = groups
        yield from _one_reason(deciding, why, count)
        yield Brief(f"{share}: 1 reason" if len(deciding) > 1 else share, count=True)
        return
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))
    counted = "; ".join(f"{len(models)} x {why}" for why, models in largest)
    yield Brief(f"{share}: {counted}")
    yield Brief(f"{share}: {len(groups)} reasons")


def _one_reason(deciding: list[ModelVerdict], why: str, count: int) -> Iterator[Brief]:
    first = deciding[0]
    if len(deciding) > 1:
        share = "" if len(deciding) == count else f"{len(deciding)} of {several(count, 'model')}: "
        yield from (Brief(share + clause) for clause in clauses(why))
        return
    name = first.model if count > 1 else ""
    needs = _needs(first)
    yield from (Brief(form, name) for form in ([needs] if needs else clauses(why)))


def _needs(model: ModelVerdict) -> str:
    """`needs 150 GiB, the card has 80`, where memory decides; the figures of the table of models."""
    need, have = model.needed_gib, model.gpu_gib
    short = model.estimate is not None and model.estimate.outcome in _MEMORY
    if not short or need.value is None or have.value is None or need.value <= have.value:
        return ""
    size = f"needs {'~' * need.guess}{math.ceil(need.value)} GiB"
    size += f" ({MEASURED})" if is_measured(model.estimate) else ""
    if model.gpus == 1:
        return f"{size}, the card has {have.value:.0f}"
    return f"{size} on each of {several(model.gpus, 'card')}, which have {have.value:.0f}"


def _failed(report: DecisionReport, qa: QaOutcome, why: str) -> Iterator[Brief]:
    """The model that failed and by what, the causes of several, or what ended the suite."""
    results = {one.model: one for one in qa.models if one.status in FAILED_STATUSES}
    failed = [m for m in report.models if m.predicted is not None and m.verdict is Verdict.NO_GO]
    if len(failed) == 1:
        found = _result(results, failed[0])
        yield from (Brief(form, failed[0].model) for form in _causes(found, qa))
        return
    if failed:
        found_causes = [found.cause for one in failed if (found := _result(results, one)) and found.cause]
        told = ", ".join(dict.fromkeys(map(cause_in_words, found_causes)))
        share = f"{len(failed)} of {several(len(report.models), 'model')}"
        yield Brief(why)
        yield Brief(f"{share}: {told}" if told else f"{share} failed")
        yield Brief(f"{share} failed", count=True)
        return
    yield from map(Brief, clauses(qa.message))
    yield Brief(cause_in_words(qa.code))


def _result(results: Mapping[str, QaModelResult], model: ModelVerdict) -> QaModelResult | None:
    return results.get(model.model) or results.get(cut_model_name(model.model))


def _causes(found: QaModelResult | None, qa: QaOutcome) -> Iterator[str]:
    if found is None:
        yield from clauses(qa.message)
        yield cause_in_words(qa.code)
        return
    if found.cause:
        yield cause_in_words(found.cause)
        return
    yield from clauses(found.means or f"its test failed ({found.phase or 'call'})")
