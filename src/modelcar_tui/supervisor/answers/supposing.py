"""Questions about two models, about a run with fewer or more of them, and about all changes made."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelcar_tui.core.counting import several
from modelcar_tui.supervisor.answers.choose import ALL_AT_ONCE, MOST_MODELS, QUALITY, say
from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.answers.names import named
from modelcar_tui.supervisor.answers.parts import Part
from modelcar_tui.supervisor.answers.understood import BARS, Asked
from modelcar_tui.supervisor.answers.without import changed, without
from modelcar_tui.supervisor.state import RunState

_LESS = (
    r"(?:drop|remov|delet|skip|exclud|omit)\w*|leav\w*(?=.* (?:out|off)\b)|"
    r"without|minus|except(?: for)?|apart from|"
    r"get rid of|take out|but not|all but"
)
_MORE = r"(?:add(?:ed|ing)?|another|one more|an extra|an additional|a second|a third)"
_OTHER_GPUS = (
    r"(?:if|when|would|happens|suppose)\b.*\b(?:los[et]|losing|broken|dies|fails|goes down|down to|"
    r"gpus? (?:are|is|were|was) (?:free|left)|(?:are|is|were|was) (?:gone|busy|taken|down|out|full|drained))|"
    r"(?:if|suppose) (?:i|we|there) (?:only )?(?:have|had|are|were)(?: only)? [\w-]+ (?:(?:of|the|my|more) )*"
    r"(?:gpus?|cards?|nodes?)|"
    r"(?:if|would|could|help\w*|suppose)\b.*\b"
    r"(?:another|more|extra|additional|second|third) (?:gpu|card|node)s?|"
    r"(?:(?:turn|switch|power)\w* off|remov\w+|take away|give back|drain\w*) (?:\w+ )?(?:gpu|card|node)s?|"
    r"without (?:the |a |an |one |that |this )*(?:gpus?|cards?|nodes?)"
)
_NO_MODEL = r"changes?|flags?|arguments?"
"""Beside these a model is left out of nothing."""
_CHANGED = (
    r"(?:after|with|given|assuming|once) (?:all |the |your |these |those |proposed |required )*changes?|"
    r"(?:if|once|when|after) (?:i |we |they |you )?(?:all )?(?:accept|apply|approve|writ)\w*"
)
_COMPARED = (
    r"compar\w+|versus|vs|bigger|larger|smaller|heavier|lighter|more|less|than|difference|differ|"
    r"better|worse|best|which (?:one )?(?:is|has|needs)"
)
_MEASURES = (
    (r"context|ctx|window|length", "longest_context"),
    (rf"{BARS}|concurren\w+", "concurrency"),
    (r"kv|cache", "kv_cache"),
    (r"parameters?", "parameters"),
    (r"memory|vram|gib|gb|needs?|ram|hungr\w+", "need"),
    (r"big\w*|larg\w*|small\w*|heav\w*|light\w*|size|weights?", "weights"),
)


def compared(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """Two models by one measure, or by weights and need where none is named."""
    if (
        len(asked.models) != 2
        or asked.arguments
        or asked.gpu
        or not asked.has(_COMPARED)
        or asked.has(r"fast\w*|slow\w*|cheap\w*")
    ):
        return ()
    if asked.has(r"better|worse|best|smart\w*|prefer\w*"):
        near = [f"model/{name}/{one}" for name in asked.models for one in ("parameters", "quantization")]
        return (Part(do="cannot", why=QUALITY, ids=say(facts, near).ids),)
    named = [measure for words, measure in _MEASURES if asked.has(words)][:1]
    parts = (_two(asked.models, measure, facts) for measure in named or ["weights", "need"])
    return tuple(part for part in parts if part.ids)


def _two(names: tuple[str, ...], measure: str, facts: Mapping[str, RunFact]) -> Part:
    """One measure of two models; both as they are where one is not known."""
    part = say(facts, [f"model/{name}/{measure}" for name in names])
    known = [facts[one].number for one in part.ids]
    return Part(do="compare", ids=part.ids) if len(known) == 2 and None not in known else part


def supposed(asked: Asked, facts: dict[str, RunFact], state: RunState, vllm: str | None) -> tuple[Part, ...]:
    """What the run would be with fewer models, with more of them, or with all proposals; worked out here.

    Raises:
        UserError: a proposed value that can't be written.
    """
    elsewhere = _on_other_gpus(asked, facts)
    if elsewhere or asked.arguments or asked.gpu or asked.why:
        return elsewhere
    if left_out := _left_out(asked, state):
        return _worked_out(facts, without(state, left_out, vllm))
    if asked.has(_MORE) and asked.has(r"if|add\w*|can|could|would|room|fit|run"):
        return _more(asked, facts)
    if asked.has(_CHANGED):
        if asked.models:
            return _worked_out(facts, changed(state, asked.models[:MOST_MODELS], vllm))
        if "verdict/with_changes" in facts:
            alone = [] if facts["verdict/with_changes"].told else ["together"]
            return (say(facts, ["verdict/with_changes", *alone, "together/missing", "gpus/asked"]),)
    return ()


def _on_other_gpus(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """More or fewer GPUs than the run has: those of the cluster, not of one server."""
    more = asked.gpu and not asked.arguments and asked.has(r"another|more|second|third|extra|additional")
    if not (more or asked.has(_OTHER_GPUS)) or (asked.models and asked.has("have|had")):
        return ()
    why = "A run on other GPUs is not worked out here: run again with --gpu PRODUCT:COUNT."
    return (Part(do="cannot", why=why, ids=say(facts, ["gpus/asked", "together", "gpu/free"]).ids),)


def _left_out(asked: Asked, state: RunState) -> tuple[str, ...]:
    """The models that stand behind the word that leaves them out (`without granite, does the 70b fit?`), or
    all others of those that are asked about together."""
    if asked.models and asked.has(_LESS) and not asked.has(_NO_MODEL):
        ends = r"(?:,|\s(?:do|does|would|will|is|are|can|could|fit)\s|$)"
        behind = re.search(rf"\b(?:{_LESS})\b(.*?){ends}", asked.low)
        told = named(behind[1], state).models if behind is not None else ()
        return told or (() if asked.has("without") else asked.models)
    if len(asked.models) > 1 and asked.has(ALL_AT_ONCE):
        return tuple(model.car.name for model in state.models if model.car.name not in asked.models)
    return ()


def _worked_out(facts: dict[str, RunFact], found: tuple[RunFact, ...]) -> tuple[Part, ...]:
    facts |= {fact.id: fact for fact in found}
    return (Part(ids=tuple(fact.id for fact in found)),) if found else ()


def _more(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    near = [*(f"model/{name}/copies" for name in asked.models), "together", "gpu/free"]
    why = "A run with another model or copy is not worked out: add it to the manifest and run again."
    return (Part(do="cannot", why=why, ids=say(facts, near).ids),)


def not_all(parts: tuple[Part, ...], asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """With a word that only the first models of a long manifest are spoken of."""
    every = sum(one.measure == "verdict" and not one.which for one in facts.values())
    spoken = {facts[one].model for part in parts for one in part.ids if one in facts} - {""}
    if asked.models or len(spoken) != MOST_MODELS or every <= MOST_MODELS or not parts or parts[0].why:
        return parts
    why = f"Told of {MOST_MODELS} of {several(every, 'model')}; name the one that you mean:"
    return (Part(do=parts[0].do, ids=parts[0].ids, how=parts[0].how, why=why), *parts[1:])
