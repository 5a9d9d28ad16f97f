"""Questions about two models, about a run with fewer or more of them, and about all changes made."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelcar_tui.core.counting import several
from modelcar_tui.supervisor.answers.choose import MOST_MODELS, say
from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.answers.names import named
from modelcar_tui.supervisor.answers.parts import Part
from modelcar_tui.supervisor.answers.understood import Asked
from modelcar_tui.supervisor.answers.without import changed, without
from modelcar_tui.supervisor.state import RunState

_LESS = (
    r"(?:drop|remov|delet|skip|exclud|omit)\w*|leave (?:out|off)|without|minus|except(?: for)?|apart from|"
    r"get rid of|take out|but not"
)
_MORE = r"(?:add(?:ed|ing)?|another|one more|an extra|an additional|a second|a third)"
_CHANGED = (
    r"(?:after|with|given|assuming|once) (?:all |the |your |these |those |proposed |required )*changes?|"
    r"(?:if|once|when|after) (?:i |we |they |you )?(?:all )?(?:accept|apply|approve|writ)\w*"
)
_COMPARED = (
    r"compar\w+|versus|vs|bigger|larger|smaller|heavier|lighter|more|less|than|difference|differ|"
    r"which (?:one )?(?:is|has|needs)"
)
_MEASURES = (
    (r"context|ctx|window|length", "longest_context"),
    (r"requests?|users?|concurren\w+", "concurrency"),
    (r"kv|cache", "kv_cache"),
    (r"parameters?", "parameters"),
    (r"memory|vram|gib|gb|needs?|ram|hungr\w+", "need"),
    (r"big\w*|larg\w*|small\w*|heav\w*|light\w*|size|weights?", "weights"),
)


def compared(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """Two models by one measure, or by weights and need where none is named."""
    if len(asked.models) != 2 or asked.arguments or asked.gpu or not asked.has(_COMPARED):
        return ()
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
    if asked.arguments or asked.gpu or asked.why:
        return ()
    if asked.models and asked.has(_LESS):
        return _worked_out(facts, without(state, _left_out(asked, state), vllm))
    if asked.has(_MORE) and asked.has(r"if|add\w*|can|could|would|room|fit|run"):
        return _more(asked, facts)
    if asked.has(_CHANGED):
        if asked.models:
            return _worked_out(facts, changed(state, asked.models[:MOST_MODELS], vllm))
        if "verdict/with_changes" in facts:
            alone = [] if facts["verdict/with_changes"].told else ["together"]
            return (say(facts, ["verdict/with_changes", *alone, "together/missing", "gpus/asked"]),)
    return ()


def _left_out(asked: Asked, state: RunState) -> tuple[str, ...]:
    """The models that stand behind the word that leaves them out: `without granite, does the 70b fit?`."""
    behind = re.search(
        rf"\b(?:{_LESS})\b(.*?)(?:,|\s(?:do|does|would|will|is|are|can|could|fit)\s|$)", asked.low
    )
    return (named(behind[1], state).models if behind is not None else ()) or asked.models


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
