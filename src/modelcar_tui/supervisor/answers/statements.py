"""One sentence a measure: every word that is said of a fact, whoever chose it.

Rules, a language model, the panes' `?` and reports ask here. A sentence names of whom it is; one that is of
a what-if stands under the what-if's terms and beside the verdict of this run (`parts`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor.answers.fact import RunFact, Scalar


class Statement(NamedTuple):
    """The words of a measure."""

    noun: str
    """What it is, for a sum, a comparison, and for who chooses: `memory left for the KV cache`."""
    say: str | Callable[[RunFact], str]
    """A template of `{who}` and `{value}`, or what makes the sentence."""


def sentence(fact: RunFact) -> str:
    """What a fact says, in one line; what is not known is said to be not known."""
    statement = STATEMENTS[fact.measure]
    if callable(statement.say):
        return statement.say(fact)
    if fact.value is None:
        return f"{subject(fact)} is not known."
    return statement.say.format(who=reveal(fact.model or fact.gpu), value=amount(fact))


def subject(fact: RunFact) -> str:
    """`memory left for the KV cache of granite`, with the terms of a what-if."""
    noun = STATEMENTS[fact.measure].noun
    whose = reveal(fact.model or fact.node or fact.gpu)
    named = f"{noun} {fact.flag}" if fact.flag else noun
    told = f"{named} of {whose}" if whose else named
    return f"{told} with {reveal(fact.terms)}" if fact.terms else told


def amount(fact: RunFact) -> str:
    """`24.17 GiB`, `1 GPU`, `131,072 tokens`; a guess says so."""
    return _amount(fact.value, fact.unit) + " (a guess)" * fact.guess


def _amount(value: Scalar, unit: str) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "set", False: "not set", None: "unknown"}[value]
    told = f"{value:,}" if isinstance(value, int) else f"{value:,.10g}" if isinstance(value, float) else value
    one = unit.removesuffix("s") if value == 1 and unit != "GiB" else unit
    return f"{told} {one}".strip()


def _each(fact: RunFact) -> str:
    count = fact.more.get("gpus")
    return f" on each of {count} GPUs" if isinstance(count, int) and count > 1 else " on one GPU"


def _run_verdict(fact: RunFact) -> str:
    return f"This run says {_stop(reveal(fact.told))}"


def _verdict(fact: RunFact) -> str:
    if not fact.which:
        return f"{reveal(fact.model)} is {_stop(reveal(fact.told))}"
    terms = reveal(fact.terms)
    lead = f"O{terms[1:]}" if terms.startswith("on ") else f"With {terms}"
    own = f" (this run, as it is: {fact.stands})" if fact.stands else ""
    why = f": {_stop(reveal(fact.told))}" if fact.told else "."
    return f"{lead} {reveal(fact.model)} would be {fact.value}{own}{why}"


def _models_with(fact: RunFact) -> str:
    names = f": {reveal(fact.told)}" if fact.told else ""
    verb = "is" if fact.value == 1 else "are"
    return (
        f"{fact.value} of {several(_int(fact.more.get('of')), 'model')} {verb} "
        f"{fact.more.get('verdict')}{names}."
    )


def _with_changes(fact: RunFact) -> str:
    count = _int(fact.more.get("changes"))
    which = f"the {count} proposed changes" if count > 1 else "the proposed change"
    return f"With {which} it would be {fact.value}" + (f", {reveal(fact.told)}." if fact.told else ".")


def _changes(fact: RunFact) -> str:
    count, required = _int(fact.value), _int(fact.more.get("required"))
    if not count:
        return "No change is proposed."
    need = f"{required} of them required" if required else "none of them required"
    marked = _int(fact.more.get("marked"))
    model = f"; {marked} suggested by the language model" if marked else ""
    return f"{several(count, 'change is', 'changes are')} proposed, {need}{model}."


def _change(fact: RunFact) -> str:
    if fact.which:
        return f"{reveal(fact.model)} needs {_stop(reveal(fact.told))}"
    by = "suggested by the language model" if fact.source == "model" else str(fact.more.get("need"))
    return f"Proposed for {reveal(fact.model)} ({by}): {_stop(reveal(fact.told))}"


def _asked(fact: RunFact) -> str:
    models, planned = _int(fact.more.get("models")), _int(fact.more.get("planned"))
    plan = f", {several(planned, 'GPU')} with the proposed changes" if planned != fact.value else ""
    who = f"{models} models ask" if models != 1 else "model asks"
    return f"The {who} for {amount(fact)} in all{plan}."


def _together(fact: RunFact) -> str:
    text = reveal(fact.told)
    return _stop(text[:1].upper() + text[1:])


def _free(fact: RunFact) -> str:
    cards, nodes, memory = (fact.more.get(name) for name in ("cards", "nodes", "memory_gib"))
    there = f"There are {several(_int(cards), 'usable GPU')} on {several(_int(nodes), 'node')}"
    if not isinstance(cards, int):
        there = f"GPUs are on {several(_int(nodes), 'usable node')}"
    size = f", {_amount(memory, 'GiB')} of GPU memory in all" if memory is not None else ""
    return f"{there}{size}: {_stop(reveal(fact.told))}"


def _kind(fact: RunFact) -> str:
    memory, free, nodes = (fact.more.get(name) for name in ("memory_gib", "free", "nodes"))
    each = f"{memory} GiB each" if memory is not None else "memory not known"
    units = fact.more.get("units") if fact.more.get("shared") else fact.value
    left = "how many are free is not known" if free is None else f"{free} of {units} free"
    where = several(_int(nodes), "node")
    count = "An unknown number of" if fact.value is None else f"{fact.value:,} x"
    return f"{count} {reveal(fact.gpu)}, {each}, on {where}: {left}{reveal(fact.told)}."


def _node(fact: RunFact) -> str:
    free = fact.more.get("free")
    left = "how many are free is not known" if free is None else f"{free} free"
    out = "" if fact.more.get("usable") else "; the node is not usable"
    return f"Node {reveal(fact.node)} has {fact.value} x {reveal(fact.gpu) or 'an unknown GPU'}, {left}{out}."


def _vllm(fact: RunFact) -> str:
    if fact.value is None:
        assumed = f"; {reveal(fact.told)} is assumed" if fact.told else ""
        return f"Which vLLM release serves is not known{assumed}."
    how = "stated with --vllm" if fact.source == "operator" else "of the cluster's runtime image"
    return f"vLLM {reveal(str(fact.value))} is taken, {how}."


def _access(fact: RunFact) -> str:
    if fact.told:
        return f"The cluster could not be read: {_stop(reveal(fact.told))}"
    if fact.value == "ok":
        return "The cluster was read."
    return "No cluster was asked: the GPUs are those that were stated."


def _need(fact: RunFact) -> str:
    if fact.value is None:
        return f"{subject(fact)} is not known."
    has = fact.more.get("gpu_gib")
    card = f"; {reveal(fact.gpu)} has {_amount(has, 'GiB')}" if has is not None and fact.gpu else ""
    return f"{reveal(fact.model)} needs {amount(fact)}{_each(fact)}, KV cache for its context included{card}."


def _simple_need(fact: RunFact) -> str:
    if fact.value is None:
        return f"{subject(fact)} is not known."
    return (
        f"The Configuration pane counts {amount(fact)} for {reveal(fact.model)}: its weights and 10 %, "
        f"over all its GPUs "
        "together. The verdict goes by the estimate, which adds what vLLM takes and the KV cache."
    )


def _quantization(fact: RunFact) -> str:
    if fact.value is None:
        return f"{subject(fact)} is not known."
    who = reveal(fact.model)
    guess = " (a guess)" * fact.guess
    return (
        f"{who} is not quantized{guess}."
        if fact.value == "none"
        else f"{who} is quantized as {reveal(str(fact.value))}{guess}."
    )


def _context(fact: RunFact) -> str:
    if fact.value is None:
        return f"{subject(fact)} is not known."
    how = "--max-model-len" if fact.more.get("given") else "the model's own, for no --max-model-len is given"
    return f"{reveal(fact.model)} is served with a context of {amount(fact)} ({how})."


def _longest(fact: RunFact) -> str:
    if fact.value is None:
        return f"{subject(fact)} is not known."
    verb = "could serve" if fact.more.get("starts") else "would start with"
    return (
        f"{reveal(fact.model)} {verb} a context of up to {amount(fact)} on this GPU, with its other "
        f"arguments."
    )


def _concurrency(fact: RunFact) -> str:
    if fact.value is None:
        return f"{subject(fact)} is not known."
    who, most = reveal(fact.model), fact.more.get("most")
    if not fact.more.get("starts"):
        return (
            f"{who} does not start; its KV cache would hold {fact.value:,.4g} of one request of its "
            f"full context."
        )
    number = fact.number or 0.0
    held = _amount(round(number, 2), "requests" if number != 1 else "request")
    if isinstance(most, int) and most < number:
        limit = f"{several(most, 'request')} at once, the limit of --max-num-seqs"
        return f"{who} serves at most {limit}; its KV cache would hold {held} of its full context."
    limit = f", --max-num-seqs allows {most:,}" if isinstance(most, int) else ""
    return f"{who}'s KV cache holds {held} of its full context at once{limit}; shorter ones need less."


def _on_kind(fact: RunFact) -> str:
    how = str(fact.more.get("how"))
    words = {"fits": "fits", "tight": "fits, tightly", "full": "would start, but no node takes its pod now"}
    word = words.get(how, "is refused" if how == "refused" else "may fit or not, that is not known")
    count = f" with {amount(fact)}" if fact.value is not None and how in words else ""
    why = f": {_stop(reveal(fact.told))}" if fact.told else "."
    return f"On {reveal(fact.gpu)} {reveal(fact.model)} {word}{count}{why}"


def _runs_on(fact: RunFact) -> str:
    if not fact.told:
        return f"None of this run's kinds of GPU serves {reveal(fact.model)} as it is."
    return f"{reveal(fact.model)} runs on {_stop(reveal(fact.told))}"


def _place(fact: RunFact) -> str:
    plan = " with the proposed changes" if fact.more.get("plan") else ""
    return (
        f"One way to run them together{plan} puts {reveal(fact.model)} on node {reveal(fact.node)}: "
        f"{fact.value} x {reveal(fact.gpu)}."
    )


def _copies(fact: RunFact) -> str:
    who = reveal(fact.model)
    if fact.value is None:
        return f"How many copies of {who} the free GPUs take is not known."
    each = several(_int(fact.more.get("gpus")), "GPU")
    return (
        f"The free GPUs that serve {who} take {several(_int(fact.value), 'copy', 'copies')} of it, "
        f"{each} each, if nothing else is put there."
    )


def _pull(fact: RunFact) -> str:
    if fact.value is None:
        return f"{subject(fact)} is not known."
    low = fact.more.get("from")
    span = f"{fact.value}" if low == fact.value else f"{low} to {fact.value}"
    return f"To pull {reveal(fact.model)}'s image to a node that does not have it takes about {span} min."


def _argument(fact: RunFact) -> str:
    if fact.value is True:
        return f"The manifest gives {reveal(fact.flag)} for {reveal(fact.model)}."
    return f"The manifest gives {reveal(fact.flag)}={fact.value} for {reveal(fact.model)}."


def _qa(fact: RunFact) -> str:
    return (
        f"QA: {fact.value}" + (f" ({reveal(fact.told)})." if fact.told else ".")
        if fact.value
        else "QA has not run yet."
    )


def _qa_tests(fact: RunFact) -> str:
    return (
        f"{fact.value} of {several(_int(fact.more.get('total')), 'test')} passed, "
        f"{fact.more.get('failed')} failed."
    )


def _qa_model(fact: RunFact) -> str:
    return f"QA on {reveal(fact.model)}: {fact.value}" + (
        f", {_stop(reveal(fact.told))}" if fact.told else "."
    )


def _remark(fact: RunFact) -> str:
    whose = f"{reveal(fact.model)}: " if fact.model else ""
    return (
        f"{str(fact.more.get('severity', fact.value or 'note')).capitalize()}: "
        f"{whose}{_stop(reveal(fact.told))}"
    )


def _told(lead: str) -> Callable[[RunFact], str]:
    return lambda fact: lead.format(who=reveal(fact.model)) + _stop(reveal(fact.told))


def _stop(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _int(value: Scalar) -> int:
    return value if isinstance(value, int) else 0


STATEMENTS: dict[str, Statement] = {
    "run_verdict": Statement("verdict of the whole run", _run_verdict),
    "run_help": Statement("what would help the run", _told("What would help: ")),
    "models_with": Statement("models with that verdict", _models_with),
    "models": Statement("models of the manifest", "The manifest lists {value}."),
    "changes": Statement("proposed changes", _changes),
    "change": Statement("proposed change", _change),
    "with_changes": Statement("verdict with all proposed changes", _with_changes),
    "gpus_asked": Statement("GPUs that all models ask for", _asked),
    "together": Statement("models that run at the same time", _together),
    "missing": Statement("what is missing to run all together", _told("To run all together, add: ")),
    "place": Statement("GPUs on a node for it, one way to run all together", _place),
    "verdict": Statement("verdict", _verdict),
    "help": Statement("what would help it", _told("What would help {who}: ")),
    "condition": Statement("what its verdict hangs on", _told("For {who}: ")),
    "tested": Statement("what QA measured of it", _told("QA on {who}: ")),
    "need": Statement("memory that one GPU must have", _need),
    "gpu_memory": Statement(
        "memory of the GPU that it is compared with", "{who} is held against a GPU of {value}."
    ),
    "simple_need": Statement("weights and 10 %, all its GPUs together", _simple_need),
    "weights": Statement("size of the weights", "The weights of {who} are {value}."),
    "weights_each": Statement(
        "memory of the weights on one GPU",
        "The weights of {who} take {value} of one GPU, as vLLM loads them.",
    ),
    "parameters": Statement("parameters", "{who} has {value} parameters."),
    "quantization": Statement("quantization", _quantization),
    "image_size": Statement("size of the image", "The image of {who} is {value}."),
    "pull": Statement("longest time to expect of a cold pull", _pull),
    "gpu_count": Statement("GPUs that the manifest gives it", "The manifest gives {who} {value}."),
    "context": Statement("context that it is served with", _context),
    "argument": Statement("argument", _argument),
    "budget": Statement(
        "GPU memory that vLLM may use", "vLLM may use {value} of a GPU for {who} (--gpu-memory-utilization)."
    ),
    "taken": Statement(
        "GPU memory taken before the KV cache", "{who} takes {value} of a GPU before its KV cache."
    ),
    "kv_cache": Statement("memory left for the KV cache", "{who} leaves {value} of a GPU for its KV cache."),
    "kv_tokens": Statement("tokens that the KV cache holds", "The KV cache of {who} holds {value}."),
    "kv_request": Statement(
        "KV cache of one request of full context",
        "One request of {who}'s full context takes {value} of a GPU's KV cache.",
    ),
    "longest_context": Statement("longest context that fits", _longest),
    "concurrency": Statement("requests of full context that the KV cache holds", _concurrency),
    "on_kind": Statement("GPUs with which it starts on that kind", _on_kind),
    "runs_on": Statement("kinds of GPU that serve it", _runs_on),
    "copies": Statement("copies that the free GPUs take", _copies),
    "note": Statement("note", _told("Note on {who}: ")),
    "access": Statement("whether the cluster was read", _access),
    "gpus_free": Statement("free GPUs", _free),
    "nodes": Statement("usable GPU nodes", "Usable GPUs are on {value}."),
    "kind": Statement("GPUs of that product", _kind),
    "card": Statement("memory of that product", "{who} has {value}."),
    "node": Statement("GPUs of that node", _node),
    "vllm": Statement("vLLM release", _vllm),
    "qa": Statement("outcome of QA", _qa),
    "qa_tests": Statement("tests that passed", _qa_tests),
    "qa_model": Statement("QA on it", _qa_model),
    "finding": Statement("finding of the lint", _remark),
    "check": Statement("check of the cluster", _remark),
    "vote": Statement("what another specialist says", _told("")),
    "unknown": Statement("what is not known", _told("Not known: ")),
}
