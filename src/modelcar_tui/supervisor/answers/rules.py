"""Answers without a language model: which facts and what-ifs a question wants, by key words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.answers.choose import (
    ALL_AT_ONCE,
    GPUS,
    OWN_GPUS,
    counted,
    gpus_needed,
    kinds,
    say,
    troubled,
    whom,
)
from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.answers.names import meant
from modelcar_tui.supervisor.answers.parts import CANNOT, MOST_IDS, Part
from modelcar_tui.supervisor.answers.question import WhatIf
from modelcar_tui.supervisor.answers.supposing import compared, not_all, supposed
from modelcar_tui.supervisor.answers.topics import by_topic, untold
from modelcar_tui.supervisor.answers.trying import Found
from modelcar_tui.supervisor.answers.understood import BARS, IF, Asked, taken_apart
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import Verdict

Try = Callable[[WhatIf], Found]
"""Works out a what-if and remembers it.

Raises:
    UserError: it can't be tried.
"""
_SEVERAL_SERVERS = (
    r"(?:two|three|four|several|more|multiple|both|many|\d+) (?:copies|instances|replicas|servers|models)"
)
_PART_OF_ONE = r"(?:half|third|quarter|part|fraction|slice) (?:of )?(?:(?:an?|one|the)\b ?)?(?:gpu|card|$)"
NO_CHANGE = "No change of it is proposed."
_NEAR = {
    "--max-model-len": "context",
    "--max-num-seqs": "concurrency",
    "--gpu-memory-utilization": "budget",
    "--kv-cache-dtype": "kv_cache",
    "--quantization": "quantization",
    "--tensor-parallel-size": "gpu_count",
}
"""What of a model comes nearest to an argument that nobody gave."""
_MOST_TRIES = 10


class Answered(NamedTuple):
    """What the rules make of a question."""

    parts: tuple[Part, ...]
    models: tuple[str, ...]
    """Those that it names."""
    facts: Mapping[str, RunFact]
    """Of the run and of its what-ifs."""


def by_rules(
    question: str,
    state: RunState,
    facts: Mapping[str, RunFact],
    attempt: Try,
    vllm: str | None = None,
) -> Answered:
    """The parts that answer a question; where none do, a refusal with the nearest facts.

    Raises:
        UserError: a what-if that can't be tried: where, what, and what can be.
    """
    asked = taken_apart(question, state)
    known = dict(facts)
    parts = _by_who_and_what(asked, known, state, vllm)
    if not parts and _is_what_if(asked):
        gpus = tuple(card for gpu in (asked.gpu, *asked.more_gpus) for card in meant(gpu, state))
        parts = _what_ifs(asked, known, attempt, gpus)
    if parts and parts[0].do != "cannot":
        parts = (*untold(asked), *parts)
    parts = parts or _how_many(asked, known) or by_topic(asked, known) or nearest(asked.models, known)
    parts = not_all(parts, asked, known)
    return Answered(parts, asked.models, known)


def _by_who_and_what(
    asked: Asked, known: dict[str, RunFact], state: RunState, vllm: str | None
) -> tuple[Part, ...]:
    """What models, GPUs and arguments of a question ask for, before its topic."""
    return (
        _about_strangers(asked, known)
        or supposed(asked, known, state, vllm)
        or compared(asked, known)
        or _about_card(asked, known)
        or _about_variants(asked, known)
        or _about_flags(asked, known)
        or _about_sharing(asked, known)
        or _there(asked, known)
    )


def _about_strangers(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """A model that is not in the manifest: what is said of the others would be no answer."""
    if asked.models or not asked.strangers:
        return ()
    why = f"This run has no model called {clean(asked.strangers[0], limit=60)}."
    return (Part(do="cannot", why=why, ids=say(facts, ("models", *counted(facts))).ids),)


def _how_many(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """`how many L40S for the 70b`: the product is no word of the rest."""
    if asked.gpu and not asked.models and asked.has("how many(?! models)|number of|free|available|busy|idle"):
        return kinds(asked, facts)
    if not asked.models:
        return ()
    if asked.has(rf"(?:how many|number of|spare|free|remaining) (?:more )?{GPUS}|{GPUS} (?:left|free|spare)"):
        free = ["gpu/free"] if asked.has("free|idle|left|available|spare|remaining") else []
        return (*gpus_needed(asked, facts), say(facts, free))
    counted_of = asked.gpu and asked.has("how many|number of") and not asked.has(BARS)
    return gpus_needed(asked, facts) if counted_of else ()


def _about_card(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """How much memory a product has; of no model."""
    if (
        asked.models
        or not asked.has("memory|vram|gib|gb|big|large")
        or asked.has("fits?|run|serve|enough|models?")
    ):
        return ()
    product = asked.gpu.partition(":")[0]
    found = say(facts, (f"card/{product}", f"gpu/{product}")) if product else Part()
    return (found,) if found.ids else ()


def _about_variants(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """A quantization that no model of the manifest has: judged it is not, whatever its name."""
    if not asked.variants or (asked.arguments and not asked.models):
        return ()
    names = asked.models or whom(asked, facts)[:3]
    told = ", ".join(asked.variants)
    whose = f" of {clean(asked.models[0], limit=120)}" if asked.models else ""
    why = f"No {told} variant{whose} is in this manifest: it was not read, and is not judged."
    near = [f"model/{name}/{one}" for name in names for one in ("quantization", "help")]
    return (Part(do="cannot", why=why, ids=say(facts, near).ids),)


def _about_flags(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """An argument that is named without a value: what the plan and the manifest say of it."""
    if not asked.flags or asked.arguments:
        return ()
    about = [fact for fact in facts.values() if _bears_on(fact, asked)]
    if about:
        order = {"change": 0, "finding": 2}
        ranked = sorted(about, key=lambda fact: order.get(fact.measure, 1))
        planned = any(fact.measure == "change" for fact in about)
        why = "" if planned or not asked.has(r"chang\w+|propos\w+|remov\w+") else NO_CHANGE
        return (Part(ids=tuple(fact.id for fact in ranked)[:MOST_IDS], why=why),)
    told = " and ".join(asked.flags)
    why = f"Neither the manifest nor the plan has {clean(told, limit=120)}."
    near = [f"model/{name}/{_NEAR[flag]}" for name in asked.models for flag in asked.flags if flag in _NEAR]
    return (Part(do="cannot", why=why, ids=say(facts, near or ["changes"]).ids),)


def _bears_on(fact: RunFact, asked: Asked) -> bool:
    """Whether a fact is of an argument that is asked about, and of a model that is."""
    if fact.which or (asked.models and fact.model not in asked.models):
        return False
    if fact.measure == "finding":
        return any(flag in fact.told for flag in asked.flags)
    return fact.flag in asked.flags or (fact.measure == "gpu_count" and "gpu_count" in asked.flags)


def _there(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """How models fare on a kind of GPU that the run has, as it judged them there."""
    product, _, count = asked.gpu.partition(":")
    if not product or count or asked.arguments or asked.has("how many(?! models)|number of|free|nodes?"):
        return ()
    names = troubled(asked, facts) if asked.why else whom(asked, facts)
    products = {product, *asked.more_gpus}
    cells = [
        fact.id
        for fact in facts.values()
        if fact.measure == "on_kind" and fact.model in names and fact.gpu.split(" ")[0] in products
    ]
    if len({facts[one].gpu.split(" ")[0] for one in cells}) < len(products):
        return ()
    ends = ("need", "help") if asked.models else ("help",)
    return (say(facts, [*cells, *(f"model/{name}/{one}" for name in names for one in ends)]),)


def _about_sharing(asked: Asked, facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """Several servers on one GPU: what is said of one would be no answer."""
    one = asked.count == 1 or asked.has(r"(?:one|a single) (?:gpu|card)")
    several = len(asked.models) > 1 or asked.has(rf"share|sharing|shared|{_SEVERAL_SERVERS}")
    if not (one and several) and not asked.has(rf"same (?:gpu|card)|{_PART_OF_ONE}"):
        return ()
    near = [f"model/{name}/{measure}" for name in asked.models for measure in ("need", "copies")]
    return (Part(do="cannot", why=OWN_GPUS, ids=say(facts, near or ["together"]).ids),)


def _is_what_if(asked: Asked) -> bool:
    if asked.has(ALL_AT_ONCE) and not asked.models and not asked.has(BARS):
        return False  # each alone is another question than all at once
    if asked.arguments:
        return True
    if asked.has("free") or (asked.has("how many") and not asked.count):
        return False
    return bool(asked.gpu) and (bool(asked.models) or asked.why or IF.search(asked.low) is not None)


def _what_ifs(
    asked: Asked, facts: dict[str, RunFact], attempt: Try, gpus: tuple[str, ...]
) -> tuple[Part, ...]:
    """Each model asked about, with the arguments and on the GPUs that are said."""
    # GPUs by the number are meant for what needs them, where nobody is named.
    names = troubled(asked, facts) if asked.count > 1 else whom(asked, facts)
    arguments = dict(asked.arguments)
    if asked.count and "--tensor-parallel-size" not in arguments:
        arguments["--tensor-parallel-size"] = str(asked.count)  # `on 4 L40S` is four for it
    if len(names) * len(gpus) > _MOST_TRIES:
        names = troubled(asked, facts)
    tries = [WhatIf(model=name, arguments=arguments, gpu=gpu or None) for name in names for gpu in gpus]
    parts: list[Part] = []
    for one in tries[:_MOST_TRIES]:
        found = attempt(one)
        facts |= {fact.id: fact for fact in found.facts}
        short = [fact.id for fact in found.facts if fact.measure in ("verdict", "help")]
        parts.append(Part(ids=found.ids if len(tries) == 1 else tuple(short)))
    return (
        *parts,
        *_beside(asked, facts, parts, counted=not any(gpus) or "--tensor-parallel-size" in arguments),
    )


def _beside(
    asked: Asked, facts: Mapping[str, RunFact], parts: Sequence[Part], *, counted: bool
) -> Iterator[Part]:
    """What stands below what-ifs: with how many GPUs each was, and the requests of the run as it is."""
    if not counted and any(facts[part.ids[0]].value != Verdict.GO for part in parts):
        yield Part(why="Each with as many GPUs as the manifest gives it; name a count, as in 4 x L40S.")
    if asked.has(BARS) and asked.models:
        yield say(facts, [f"model/{name}/concurrency" for name in asked.models])


def nearest(models: Sequence[str], facts: Mapping[str, RunFact]) -> tuple[Part, ...]:
    """A refusal with the verdicts on the models that are asked about, or on the run."""
    near = [f"model/{name}/{one}" for name in models for one in ("verdict", "need")] or ["verdict"]
    return (Part(do="cannot", why=CANNOT, ids=say(facts, near).ids),)
