"""Sentences about the whole run: verdict, plan, GPUs, runtime, QA."""

from __future__ import annotations

from modelcar_tui.core.counting import several
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.answers.wording import amount, count_of, quantity, stopped
from modelcar_tui.verdict import Verdict


def run_verdict(fact: RunFact) -> str:
    """The verdict of the whole run."""
    return f"This run says {stopped(reveal(fact.told))}"


def models_with(fact: RunFact) -> str:
    """How many models have a verdict, and which."""
    names = f": {reveal(fact.told)}" if fact.told else ""
    verb = "is" if fact.value == 1 else "are"
    return (
        f"{fact.value} of {several(count_of(fact.more.get('of')), 'model')} {verb} "
        f"{fact.more.get('verdict')}{names}."
    )


def with_changes(fact: RunFact) -> str:
    """What all proposals would make of the run."""
    count = count_of(fact.more.get("changes"))
    which = f"the {count} proposed changes" if count > 1 else "the proposed change"
    return f"With {which} it would be {fact.value}" + (f", {reveal(fact.told)}." if fact.told else ".")


def changes(fact: RunFact) -> str:
    """How many proposals there are."""
    count, required = count_of(fact.value), count_of(fact.more.get("required"))
    if not count:
        return "No change is proposed."
    if count == 1:
        need = "it is required" if required else "it is not required"
    else:
        need = f"{required} of them required" if required else "none of them required"
    written = fact.more.get("written")
    if isinstance(written, int):
        told = several(written, "was", "were")
        return f"{several(count, 'change was', 'changes were')} proposed, {need}; {told} written."
    marked = count_of(fact.more.get("marked"))
    model = f"; {marked} suggested by the language model" if marked else ""
    return f"{several(count, 'change is', 'changes are')} proposed, {need}{model}."


def gpus_asked(fact: RunFact) -> str:
    """The GPUs that all models ask for."""
    models, planned = count_of(fact.more.get("models")), count_of(fact.more.get("planned"))
    plan = f", {several(planned, 'GPU')} with the proposed changes" if planned != fact.value else ""
    who = f"{models} models ask" if models != 1 else "model asks"
    return f"The {who} for {amount(fact)} in all{plan}."


def together(fact: RunFact) -> str:
    """Whether all models run at the same time."""
    text = reveal(fact.told)
    return stopped(text[:1].upper() + text[1:])


def gpus_free(fact: RunFact) -> str:
    """The usable GPUs, and how many are free."""
    cards, nodes, memory = (fact.more.get(name) for name in ("cards", "nodes", "memory_gib"))
    there = f"There are {several(count_of(cards), 'usable GPU')} on {several(count_of(nodes), 'node')}"
    if not isinstance(cards, int):
        there = f"GPUs are on {several(count_of(nodes), 'usable node')}"
    size = f", {quantity(memory, 'GiB')} of GPU memory in all" if memory is not None else ""
    return f"{there}{size}: {stopped(reveal(fact.told))}"


def kind(fact: RunFact) -> str:
    """The cards of one product."""
    memory, free, nodes = (fact.more.get(name) for name in ("memory_gib", "free", "nodes"))
    each = f"{memory} GiB each" if memory is not None else "memory not known"
    units = fact.more.get("units") if fact.more.get("shared") else fact.value
    left = "how many are free is not known" if free is None else f"{free} of {units} free"
    where = several(count_of(nodes), "node")
    count = "An unknown number of" if fact.value is None else f"{fact.value:,} x"
    return f"{count} {reveal(fact.gpu)}, {each}, on {where}: {left}{reveal(fact.told)}."


def node(fact: RunFact) -> str:
    """The GPUs of one node."""
    free = fact.more.get("free")
    left = "how many are free is not known" if free is None else f"{free} free"
    out = "" if fact.more.get("usable") else "; the node is not usable"
    return f"Node {reveal(fact.node)} has {fact.value} x {reveal(fact.gpu) or 'an unknown GPU'}, {left}{out}."


def vllm(fact: RunFact) -> str:
    """The release that serves."""
    if fact.source == "manifest":
        own = reveal(str(fact.value or fact.told))
        return f"vLLM {own} {'is' if fact.value else 'are'} taken, of the runtimes that the manifest brings."
    if fact.value is None:
        assumed = f"; {reveal(fact.told)} is assumed" if fact.told else ""
        return f"Which vLLM release serves is not known{assumed}."
    how = "stated with --vllm" if fact.source == "operator" else "of the cluster's runtime image"
    return f"vLLM {reveal(str(fact.value))} is taken, {how}."


def access(fact: RunFact) -> str:
    """Whether the cluster was read."""
    if fact.told:
        return f"The cluster could not be read: {stopped(reveal(fact.told))}"
    if fact.value == "ok":
        return "The cluster was read."
    return "No cluster was asked: the GPUs are those that were stated."


def qa(fact: RunFact) -> str:
    """What QA came to."""
    return (
        f"QA: {fact.value}" + (f" ({reveal(fact.told)})." if fact.told else ".")
        if fact.value
        else "QA has not run yet."
    )


def qa_tests(fact: RunFact) -> str:
    """The tests of QA."""
    return (
        f"{fact.value} of {several(count_of(fact.more.get('total')), 'test')} passed, "
        f"{fact.more.get('failed')} failed."
    )


def run_time(fact: RunFact) -> str:
    """When the run began, and how long it took."""
    took = f" and took {amount(fact)}" if fact.value is not None else "; it has not ended"
    return f"The run began {fact.told}{took}."


def without(fact: RunFact) -> str:
    """The verdicts of the other models, and the GPUs that these ask for."""
    of = count_of(fact.more.get("of"))
    verb = "is" if fact.value == 1 else "are"
    one = f"the other model is {'' if fact.value else 'not '}{Verdict.GO}"
    told = f"{fact.value} of the {of} other models {verb} {Verdict.GO}" if of > 1 else one
    ask = f"{'they ask' if of > 1 else 'it asks'} for {several(count_of(fact.more.get('gpus')), 'GPU')}"
    return f"Without {reveal(fact.told)}, {told} as this run stands; {ask} in all."


def without_together(fact: RunFact) -> str:
    """Whether the other models run at the same time."""
    return stopped(f"Of these, {reveal(fact.told)}")


def changed(fact: RunFact) -> str:
    """The verdict on a model with all proposals."""
    own = f" (this run, as it is: {fact.stands})" if fact.stands else ""
    would = f"{reveal(fact.model)} would be {fact.value}{own}"
    return f"With the proposed changes {would}: {stopped(reveal(fact.told))}"


def written(fact: RunFact) -> str:
    """Whether a manifest was generated, and where it is."""
    if not fact.told:
        return "Nothing was written."
    return f"{reveal(fact.told)} was written with {amount(fact)}."
