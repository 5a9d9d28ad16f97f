"""What is chosen for a kind of question: facts by id, or a refusal with the nearest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.answers.parts import Do, Part
from modelcar_tui.supervisor.answers.understood import NOT_GO, Asked
from modelcar_tui.verdict import Verdict

MOST_MODELS = 8
Facts = Mapping[str, RunFact]
Parts = tuple[Part, ...]
ALL_AT_ONCE = r"same time|at once|together|simultaneously|everything|all of them|all (?:the )?models"
GPUS = r"(?:gpus?|cards?|accelerators?)"
QUALITY = "The quality of answers is not looked at."
_SEVERAL_NODES = (
    r"(?:two|three|four|several|multiple|many|more than one|[2-9]|\d\d+) (?:gpu )?nodes|multi-?nodes?"
)


OWN_GPUS = "Each server has GPUs of its own here: vLLM takes most of a GPU's memory."


def say(facts: Facts, ids: Iterable[str]) -> Part:
    """Those of the facts that there are."""
    return Part(ids=tuple(one for one in ids if one in facts))


def whom(asked: Asked, facts: Facts) -> tuple[str, ...]:
    """The models that are asked about: those named, else those with the verdict that is named, else all."""
    every = [fact for fact in facts.values() if fact.measure == "verdict" and not fact.which]
    if asked.models:
        named = [fact for fact in every if fact.model in asked.models]
        same = [fact.model for fact in named if asked.judged(fact.value)]
        return tuple(same or asked.models)[:MOST_MODELS]
    told = [fact.model for fact in every if not asked.verdict or asked.judged(fact.value)]
    return tuple(told)[:MOST_MODELS]


def troubled(asked: Asked, facts: Facts) -> tuple[str, ...]:
    """Of the models that are asked about those that are not GO; all of them where there are none."""
    verdicts = [fact for fact in facts.values() if fact.measure == "verdict" and not fact.which]
    mine = [fact for fact in verdicts if not asked.models or fact.model in asked.models]
    if asked.verdict in (Verdict.NO_GO, Verdict.UNKNOWN, NOT_GO):
        return tuple(fact.model for fact in mine if asked.judged(fact.value))[:MOST_MODELS]
    bad = [fact.model for fact in mine if fact.value != Verdict.GO]
    return tuple(bad or [fact.model for fact in mine] or asked.models)[:MOST_MODELS]


def of(*measures: str) -> Callable[[Asked, Facts], Parts]:
    """An answer made of measures of the models that are asked about."""

    def answer(asked: Asked, facts: Facts) -> Parts:
        return (say(facts, [f"model/{name}/{one}" for name in whom(asked, facts) for one in measures]),)

    return answer


def of_troubled(*measures: str) -> Callable[[Asked, Facts], Parts]:
    """An answer made of measures of the models that are not GO, or of all where there are none."""
    return lambda asked, facts: (
        say(facts, [f"model/{name}/{one}" for name in troubled(asked, facts) for one in measures]),
    )


def these(*ids: str) -> Callable[[Asked, Facts], Parts]:
    """An answer made of facts by id."""
    return lambda asked, facts: (say(facts, ids),)


def all_of(*measures: str) -> Callable[[Asked, Facts], Parts]:
    """An answer made of every fact of these measures, of the models that are named where any are."""

    def answer(asked: Asked, facts: Facts) -> Parts:
        found = [
            fact.id
            for fact in facts.values()
            if fact.measure in measures
            and not fact.which
            and (not asked.models or not fact.model or fact.model in asked.models)
        ]
        return (Part(ids=tuple(found)),)

    return answer


def cannot(why: str, *measures: str) -> Callable[[Asked, Facts], Parts]:
    """A refusal that says what is not known, with the nearest facts."""

    def answer(asked: Asked, facts: Facts) -> Parts:
        names = asked.models or troubled(asked, facts)[:1]
        near = [f"model/{name}/{one}" for name in names for one in measures]
        return (Part(do="cannot", why=why, ids=tuple(one for one in near if one in facts)),)

    return answer


def of_run(why: str, *ids: str, do: Do = "cannot") -> Callable[[Asked, Facts], Parts]:
    """A refusal, or words of ours, with facts of the run."""
    return lambda asked, facts: (Part(do=do, why=why, ids=say(facts, ids).ids),)


def why(asked: Asked, facts: Facts) -> Parts:
    """The verdicts that are no GO, and what would help."""
    names = troubled(asked, facts)
    if not names:
        return (
            Part(
                do="cannot",
                why=f"No model is {asked.verdict}.",
                ids=("verdict",) if "verdict" in facts else (),
            ),
        )
    return (say(facts, [f"model/{name}/{one}" for name in names for one in ("verdict", "help")]),)


def what_helps(asked: Asked, facts: Facts) -> Parts:
    """What would make it GO."""
    names = troubled(asked, facts)
    needed = [
        fact.id
        for fact in facts.values()
        if _open(fact) and fact.more.get("need") == "required" and fact.model in names
    ]
    helped = [f"model/{name}/help" for name in names] if asked.models or not needed else []
    told = {facts[one].told for one in helped if one in facts}
    if len(names) > 1 and len(told) == 1 and "verdict/help" in facts:
        helped = ["verdict/help"]
    return (say(facts, ["verdict", *needed, *helped, "verdict/with_changes"]),)


def refused(asked: Asked, facts: Facts) -> Parts:
    """What comes of a plan that is not accepted."""
    if "written" in facts and facts["written"].value:
        return plan(asked, facts)
    why = "Nothing is written before you accept; without it the manifest stays as it is."
    return (Part(ids=say(facts, ["verdict", "changes", *_required(facts)]).ids, why=why),)


def accept(asked: Asked, facts: Facts) -> Parts:
    """What comes of accepting all."""
    warned = [fact.id for fact in facts.values() if _open(fact) and fact.more.get("need") == "warning"]
    ids = ["verdict/with_changes", "together/missing", "changes", *_required(facts), *warned]
    return (say(facts, ids),)


def _required(facts: Facts) -> list[str]:
    return [fact.id for fact in facts.values() if _open(fact) and fact.more.get("need") == "required"]


def _open(fact: RunFact) -> bool:
    """A proposal that nobody has answered."""
    return fact.measure == "change" and not fact.which and not fact.more.get("fate")


def plan(asked: Asked, facts: Facts) -> Parts:
    """The proposals."""
    changes = [
        fact.id
        for fact in facts.values()
        if fact.measure == "change" and not fact.which and (not asked.models or fact.model in asked.models)
    ]
    changes = _needed(changes, asked, facts)
    last = [] if asked.models else ["verdict/with_changes"]
    if asked.models and not changes:
        names = ", ".join(asked.models)
        return (Part(do="cannot", why=f"No change is proposed for {names}.", ids=("changes",)),)
    return (say(facts, ["changes", *changes[:20], *last]),)


def _needed(changes: list[str], asked: Asked, facts: Facts) -> list[str]:
    """The required ones, or the others, where only one of them is asked for."""
    needs = [need for need, words in _NEEDS if asked.has(words)]
    if not needs or (len(needs) > 1 and not asked.has("not (?:required|needed|necessary)")):
        return changes
    required = needs[0] == "required"
    return [one for one in changes if (facts[one].more.get("need") == "required") is required]


_NEEDS = (
    ("optional", r"optional|not (?:required|needed|necessary)|improvements?|nice to have"),
    ("required", r"required|needed|necessary|must|mandatory|essential"),
)


def which(asked: Asked, facts: Facts) -> Parts:
    """The kinds of GPU that serve."""
    ids: list[str] = []
    for name in whom(asked, facts):
        cells = [one for one in facts if one.startswith(f"model/{name}/on/")]
        detail = cells if asked.models and len(cells) > 1 else []
        ids += [f"model/{name}/runs_on", *detail, f"model/{name}/help"]
    return (say(facts, ids),)


def gpus_needed(asked: Asked, facts: Facts) -> Parts:
    """The GPUs that models ask for."""
    if asked.models:
        ids = [f"model/{name}/{one}" for name in asked.models for one in ("gpu_count", "help")]
        changes = [
            one
            for one, fact in facts.items()
            if fact.measure == "change" and fact.model in asked.models and fact.flag == "gpu_count"
        ]
        return (say(facts, [*ids, *changes]),)
    return (say(facts, ["gpus/asked", "together", "together/missing", "gpu/free"]),)


def largest(asked: Asked, facts: Facts) -> Parts:
    """The models by size or by need."""
    measure = "need" if asked.has("vram|memory|needs?") else "weights"
    known = [
        one for one in facts.values() if one.measure == measure and not one.which and one.number is not None
    ]
    if not known or asked.models:
        return ()  # `the smallest GPU for granite` ranks no models
    least = asked.has("small\\w*|least|tiniest|lightest|fewest")
    ranked = sorted(known, key=lambda one: one.number or 0.0, reverse=not least)
    most = 3 if asked.has("(?<!of the )(?<!of our )(?<!of all )models|rank\\w*|order|list") else 1
    return (Part(ids=tuple(one.id for one in ranked[:most])),)


def status(asked: Asked, facts: Facts) -> Parts:
    """The verdicts."""
    if asked.models:
        return (say(facts, [f"model/{name}/{one}" for name in asked.models for one in ("verdict", "need")]),)
    return (say(facts, ["verdict", *counted(facts)]),)


def counted(facts: Facts) -> list[str]:
    """How many models have which verdict, those verdicts that some have."""
    return [one.id for one in facts.values() if one.measure == "models_with" and one.value]


def listed(asked: Asked, facts: Facts) -> Parts:
    """How many models there are, by verdict."""
    if not asked.verdict:
        return (say(facts, ["models", *counted(facts)]),)
    mine = [
        one for one in facts if one.startswith("models/") and asked.judged(facts[one].more.get("verdict"))
    ]
    told = [one for one in mine if facts[one].value] or mine
    return (say(facts, told),)


def left(asked: Asked, facts: Facts) -> Parts:
    """What a server leaves of its GPU's memory."""
    if not asked.models:
        return ()
    measures = ("budget", "taken", "kv_cache")
    return (say(facts, [f"model/{name}/{one}" for name in asked.models for one in measures]),)


def tight(asked: Asked, facts: Facts) -> Parts:
    """How near the limit it is: the memory, the requests, and what the estimate itself calls tight."""
    names = whom(asked, facts)
    notes = [
        one.id for one in facts.values() if one.measure == "note" and one.model in names and not one.which
    ]
    measures = ("kv_cache", "concurrency", "help") if asked.models else ("concurrency",)
    ids = [f"model/{name}/{one}" for name in names for one in measures]
    why = "The estimate says whether it starts; what happens under load is not tested by it."
    return (Part(ids=say(facts, [*ids, *notes][:MOST_MODELS]).ids, why=why),)


def shared(asked: Asked, facts: Facts) -> Parts:
    """Whether GPUs are cut or shared."""
    kinds = [one for one in facts.values() if one.measure == "kind"]
    if not kinds:
        return ()
    shared = [one.id for one in kinds if one.more.get("shared")]
    why = (
        "These GPUs are cut or shared:"
        if shared
        else "No GPU of this run is cut (MIG) or shared (time-slicing, MPS)."
    )
    return (Part(ids=tuple(shared or [one.id for one in kinds]), why=why),)


def meaning(asked: Asked, facts: Facts) -> Parts:
    """What a verdict's word means."""
    return (
        Part(ids=say(facts, ["verdict"]).ids, why=_MEANINGS.get(asked.verdict, " ".join(_MEANINGS.values()))),
    )


_MEANINGS = {
    str(Verdict.GO): f"{Verdict.GO}: by the estimate vLLM starts it on GPUs of this run as it is.",
    str(Verdict.NO_GO): f"{Verdict.NO_GO}: as it is it can not be served; the reason stands behind the word.",
    str(Verdict.UNKNOWN): f"{Verdict.UNKNOWN}: too little is known; the reason stands behind the word.",
}


def nodes(asked: Asked, facts: Facts) -> Parts:
    """The nodes, or where a model goes."""
    placed = _placed(asked, facts)
    if placed and not asked.has(_SEVERAL_NODES):
        return (say(facts, placed),)
    if asked.models and asked.has(_SEVERAL_NODES):
        why = "A model's GPUs are on one node here; serving one model over several nodes is not judged."
        return (
            Part(do="cannot", why=why, ids=say(facts, [f"model/{name}/need" for name in asked.models]).ids),
        )
    if asked.models:
        why = "No node is chosen: this run says whether a node could take it, the scheduler chooses."
        return (Part(do="cannot", why=why, ids=tuple(f"model/{name}/verdict" for name in asked.models)),)
    nodes = [one for one in facts if one.startswith("node/")]
    why = f"The first {MOST_MODELS} nodes with GPUs:" if len(nodes) > MOST_MODELS else ""
    listed = Part(ids=tuple(nodes[:MOST_MODELS]), why=why)
    return (say(facts, ["gpu/nodes"]), listed, *_no_cluster(nodes, facts))


def _placed(asked: Asked, facts: Facts) -> list[str]:
    """Where the models go that are asked about: a fact for each node."""
    begins = [f"model/{name}/place/" for name in asked.models]
    return [one for one in facts if any(f"{one}/".startswith(begin) for begin in begins)]


def kinds(asked: Asked, facts: Facts) -> Parts:
    """The GPUs of the run."""
    product = asked.gpu.partition(":")[0]
    kinds = [one.id for one in facts.values() if one.measure == "kind" and product in ("", one.gpu)]
    return (say(facts, ["gpu/free", *kinds] if not product else kinds), *_no_cluster(kinds, facts))


def _no_cluster(found: list[str], facts: Facts) -> Parts:
    """Where no GPUs are known: why."""
    return () if found else (say(facts, ["cluster"]),)


def share(asked: Asked, facts: Facts) -> Parts:
    """The part of a GPU's memory that a model needs, in percent."""
    pairs = [(f"model/{name}/need", f"model/{name}/gpu_memory") for name in whom(asked, facts)]
    known = [ids for ids in pairs if all(one in facts and facts[one].number for one in ids)]
    return tuple(Part(do="calc", how="percent", ids=ids) for ids in known)


def total(asked: Asked, facts: Facts) -> Parts:
    """A sum over the models; of weights, or of weights and 10 % where memory is asked for."""
    if asked.has("fits?|room|enough|run|free|left") or asked.has(f"{GPUS} memory"):
        return ()  # whether they fit is no sum
    measure = "simple_need" if asked.has("vram|memory|needs?|ram") else "weights"
    part = say(facts, [f"model/{name}/{measure}" for name in whom(asked, facts)])
    if len(part.ids) < 2 or any(facts[one].number is None for one in part.ids):
        return (part,)
    return (Part(do="calc", how="sum", ids=part.ids),)


def side_by_side(asked: Asked, facts: Facts) -> Parts:
    """Models at the same time."""
    ids = ("together", "together/missing", "gpus/asked", "gpu/free")
    return (Part(ids=say(facts, ids).ids, why=OWN_GPUS * asked.has("shar\\w+|next to")),)
