"""One sentence a measure: every word that is said of a fact, whoever chose it.

Rules, a language model, the panes' `?` and reports ask here. A sentence names of whom it is; one that is of
a what-if stands under the what-if's terms and beside the verdict of this run (`parts`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.core.text import reveal
from modelcar_tui.memory import Outcome
from modelcar_tui.supervisor.answers import of_run_said as said
from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.answers.wording import amount, count_of, guess, on_each, quantity, stopped

_OF_WHOM = re.compile(r" (?:of that (?:product|node)|that it is compared with)$")
"""What stands in a noun for the name that follows it."""


class Statement(NamedTuple):
    """The words of a measure."""

    noun: str
    """What it is, for a sum, a comparison, and for who chooses: `memory left for the KV cache`."""
    say: str | Callable[[RunFact], str]
    """A template of `{who}` and `{value}`, or what makes the sentence."""


_FIGURES = frozenset("need simple_need quantization context longest_context concurrency pull".split())  # noqa: SIM905
"""Measures whose sentences need a value."""


def sentence(fact: RunFact) -> str:
    """What a fact says, in one line; what is not known is said to be not known."""
    statement = STATEMENTS[fact.measure]
    if fact.value is None and (isinstance(statement.say, str) or fact.measure in _FIGURES):
        unknown = subject(fact)
        return f"{unknown[:1].upper()}{unknown[1:]} is not known."
    if callable(statement.say):
        return statement.say(fact)
    return statement.say.format(who=reveal(fact.model or fact.gpu), value=amount(fact))


def subject(fact: RunFact) -> str:
    """`memory left for the KV cache of granite`, with the terms of a what-if."""
    noun = STATEMENTS[fact.measure].noun
    if whose(fact):
        noun = _OF_WHOM.sub("", noun)
    named = f"{noun} {fact.flag}" if fact.flag else noun
    told = f"{named} of {whose(fact)}" if whose(fact) else named
    return f"{told} with {reveal(fact.terms)}" if fact.terms else told


def whose(fact: RunFact) -> str:
    """The model, node or product that a fact is of; empty for the run's own."""
    return reveal(fact.model or fact.node or fact.gpu)


def _verdict(fact: RunFact) -> str:
    if not fact.which:
        return f"{reveal(fact.model)} is {stopped(reveal(fact.told))}"
    terms = reveal(fact.terms)
    lead = f"O{terms[1:]}" if terms.startswith("on ") else f"With {terms}"
    own = f" (this run, as it is: {fact.stands})" if fact.stands else ""
    why = f": {stopped(reveal(fact.told))}" if fact.told else "."
    return f"{lead} {reveal(fact.model)} would be {fact.value}{own}{why}"


def _change(fact: RunFact) -> str:
    if fact.which:
        return f"{reveal(fact.model)} needs {stopped(reveal(fact.told))}"
    by = "suggested by the language model" if fact.source == "model" else str(fact.more.get("need"))
    fate = str(fact.more.get("fate") or "proposed").capitalize()
    return f"{fate} for {reveal(fact.model)} ({by}): {stopped(reveal(fact.told))}"


def _need(fact: RunFact) -> str:
    has = fact.more.get("gpu_gib")
    card = f"; {reveal(fact.gpu)} has {quantity(has, 'GiB')}" if has is not None and fact.gpu else ""
    how = (
        ", KV cache for its context included"
        if fact.more.get("kv", True)
        else " by a rough sum from its weights alone"
    )
    return f"{reveal(fact.model)} needs {amount(fact)}{on_each(fact)}{how}{card}."


def _simple_need(fact: RunFact) -> str:
    return (
        f"The Configuration pane counts {amount(fact)} for {reveal(fact.model)}: its weights and 10 %, "
        f"over all its GPUs "
        "together. The verdict goes by the estimate, which adds what vLLM takes and the KV cache."
    )


def _quantization(fact: RunFact) -> str:
    who = reveal(fact.model)
    badge = guess(fact)
    return (
        f"{who} is not quantized{badge}."
        if fact.value == "none"
        else f"{who} is quantized as {reveal(str(fact.value))}{badge}."
    )


def _context(fact: RunFact) -> str:
    how = "--max-model-len" if fact.more.get("given") else "the model's own, for no --max-model-len is given"
    return f"{reveal(fact.model)} is served with a context of {amount(fact)} ({how})."


def _longest(fact: RunFact) -> str:
    verb = "could serve" if fact.more.get("starts") else "would start with"
    where = reveal(fact.gpu) or "this GPU"
    if not fact.value:
        return f"{reveal(fact.model)} starts with no context at all on {where}, with its other arguments."
    return (
        f"{reveal(fact.model)} {verb} a context of up to {amount(fact)} on {where}, with its other arguments."
    )


def _concurrency(fact: RunFact) -> str:
    who, most = reveal(fact.model), fact.more.get("most")
    if not fact.more.get("starts"):
        return (
            f"{who} does not start; its KV cache would hold {fact.value:,.4g} of one request of its "
            f"full context."
        )
    number = fact.number or 0.0
    held = quantity(round(number, 2), "requests" if number != 1 else "request") + guess(fact)
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
    why = f": {stopped(reveal(fact.told))}" if fact.told else "."
    return f"On {reveal(fact.gpu)} {reveal(fact.model)} {word}{count}{why}"


def _runs_on(fact: RunFact) -> str:
    if not fact.told:
        known = "is known to serve" if fact.more.get("unsure") else "serves"
        return f"None of this run's kinds of GPU {known} {reveal(fact.model)} as it is."
    return f"{reveal(fact.model)} runs on {stopped(reveal(fact.told))}"


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
    if not fact.value:
        return f"The free GPUs take no copy of {who} as it is."
    each = several(count_of(fact.more.get("gpus")), "GPU")
    return (
        f"The free GPUs that serve {who} take {several(count_of(fact.value), 'copy', 'copies')} of it, "
        f"{each} each, if nothing else is put there."
    )


def _pull(fact: RunFact) -> str:
    low = fact.more.get("from")
    span = f"{fact.value}" if low == fact.value else f"{low} to {fact.value}"
    return f"To pull {reveal(fact.model)}'s image to a node that does not have it takes about {span} min."


def _argument(fact: RunFact) -> str:
    given = "" if fact.value is True else f"={fact.value}"
    return f"The {fact.source or 'manifest'} gives {reveal(fact.flag)}{given} for {reveal(fact.model)}."


def _gpu_count(fact: RunFact) -> str:
    return f"The {fact.source or 'manifest'} gives {reveal(fact.model)} {amount(fact)}."


def _qa_model(fact: RunFact) -> str:
    return f"QA on {reveal(fact.model)}: {fact.value}" + (
        f", {stopped(reveal(fact.told))}" if fact.told else "."
    )


def _remark(fact: RunFact) -> str:
    whose = f"{reveal(fact.model)}: " if fact.model else ""
    return (
        f"{str(fact.more.get('severity', fact.value or 'note')).capitalize()}: "
        f"{whose}{stopped(reveal(fact.told))}"
    )


def _measured(fact: RunFact) -> str:
    """How a start ended, with what was predicted; that it was another one where its arguments were."""
    ended, predicted = _outcome(fact.value), fact.more.get("predicted")
    how = ended.told if ended is Outcome.STARTS else f"did not start: {ended.told}"
    dummy = ", with dummy weights" if fact.more.get("dummy") else ""
    where = f"{count_of(fact.more.get('gpus'))} x {reveal(fact.gpu)} with {reveal(fact.told)}{dummy}"
    other = "" if fact.more.get("exact") else "; its arguments were others, so only parts of it count here"
    beside = f" (predicted: {_outcome(predicted).told})" if predicted else ""
    return f"Measured on {where}: {reveal(fact.model)} {how}{beside}{other}."


def _outcome(value: object) -> Outcome:
    return Outcome(str(value)) if value in list(Outcome) else Outcome.UNKNOWN


def _told(lead: str) -> Callable[[RunFact], str]:
    return lambda fact: lead.format(who=reveal(fact.model)) + stopped(reveal(fact.told))


def _served_as(fact: RunFact) -> str:
    told = reveal(fact.told)
    article = "the" if told.startswith("prefill") else "an" if told.startswith(("I", "L")) else "a"
    return f"{reveal(fact.model)} is {article} {stopped(told)}"


def _replicas(fact: RunFact) -> str:
    pods = count_of(fact.more.get("pods"))
    each = f", each of {pods} pods" if pods > 1 else ""
    stopped_ = "; it is stopped" if fact.value == 0 else ""
    return f"The {fact.source or 'manifest'} asks for {amount(fact)} of {reveal(fact.model)}{each}{stopped_}."


STATEMENTS: dict[str, Statement] = {
    "run_verdict": Statement("verdict of the whole run", said.run_verdict),
    "run_help": Statement("what would help the run", _told("What would help: ")),
    "models_with": Statement("models with that verdict", said.models_with),
    "models": Statement("models of the manifest", "The manifest lists {value}."),
    "changes": Statement("proposed changes", said.changes),
    "change": Statement("proposed change", _change),
    "with_changes": Statement("verdict with all proposed changes", said.with_changes),
    "gpus_asked": Statement("GPUs that all models ask for", said.gpus_asked),
    "together": Statement("models that run at the same time", said.together),
    "missing": Statement("what is missing to run all together", _told("To run all together, add: ")),
    "place": Statement("GPUs on a node for it, one way to run all together", _place),
    "verdict": Statement("verdict", _verdict),
    "help": Statement("what would help it", _told("What would help {who}: ")),
    "condition": Statement("what its verdict hangs on", _told("For {who}: ")),
    "tested": Statement("what QA measured of it", _told("QA on {who}: ")),
    "measured": Statement("measured start of vLLM", _measured),
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
    "gpu_count": Statement("GPUs that the manifest gives it", _gpu_count),
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
    "served_as": Statement("kind and namespace of its object", _served_as),
    "source": Statement("place that its weights come from", _told("The weights of {who} come from ")),
    "server": Statement("runtime, image and vLLM release that serve it", _told("{who} is served by ")),
    "replicas": Statement("replicas that the manifest asks for", _replicas),
    "passed": Statement("arguments that it is given beside its own", _told("{who} gets arguments ")),
    "not_clear": Statement("what of its object is not understood", _told("Not clear of {who}: ")),
    "note": Statement("note", _told("Note on {who}: ")),
    "access": Statement("whether the cluster was read", said.access),
    "gpus_free": Statement("free GPUs", said.gpus_free),
    "nodes": Statement("usable GPU nodes", "Usable GPUs are on {value}."),
    "kind": Statement("GPUs of that product", said.kind),
    "card": Statement("memory of that product", "{who} has {value}."),
    "node": Statement("GPUs of that node", said.node),
    "vllm": Statement("vLLM release", said.vllm),
    "qa": Statement("outcome of QA", said.qa),
    "qa_tests": Statement("tests that passed", said.qa_tests),
    "qa_model": Statement("QA on it", _qa_model),
    "finding": Statement("finding of the lint", _remark),
    "check": Statement("check of the cluster", _remark),
    "vote": Statement("what another specialist says", _told("")),
    "written": Statement("changes that were written", said.written),
    "run_time": Statement("time that the run took", said.run_time),
    "without": Statement("other models that can be served", said.without),
    "without_together": Statement("other models at the same time", said.without_together),
    "changed": Statement("verdict with all proposed changes on it", said.changed),
    "unknown": Statement("what is not known", _told("Not known: ")),
}
