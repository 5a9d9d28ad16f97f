"""The English that the check of a model's words understands. What is in none of these sets is not
understood."""

from __future__ import annotations

UNITS = {
    "gib": "gib",
    "gb": "gb",
    "mib": "mib",
    "mb": "mb",
    "tib": "tib",
    "tb": "tb",
    "kib": "kib",
    "token": "token",
    "tokens": "token",
    "request": "request",
    "requests": "request",
    "gpu": "gpu",
    "gpus": "gpu",
    "card": "gpu",
    "cards": "gpu",
    "unit": "gpu",
    "units": "gpu",
    "share": "gpu",
    "shares": "gpu",
    "slice": "gpu",
    "slices": "gpu",
    "partition": "gpu",
    "partitions": "gpu",
    "node": "node",
    "nodes": "node",
    "model": "model",
    "models": "model",
    "change": "change",
    "changes": "change",
    "finding": "finding",
    "findings": "finding",
    "test": "test",
    "tests": "test",
    "%": "%",
    "percent": "%",
    "b": "billion",
    "billion": "billion",
    "million": "million",
    "bit": "bit",
    "bits": "bit",
    "s": "second",
    "second": "second",
    "seconds": "second",
    "ms": "ms",
    "minutes": "minute",
    "hours": "hour",
    "x": "gpu",
    "×": "gpu",
    "k": "k",
}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen twenty"
)
NUMBER_WORDS = {word: number for number, word in enumerate(_COUNTED.split())} | {
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "dozen": 12,
}
BETWEEN = frozenset(("free", "usable", "proposed", "separate", "concurrent", "nvidia", "different", "whole"))
"""May stand between a number and its unit."""

TOPICS = {
    "need": "need",
    "needs": "need",
    "needed": "need",
    "needing": "need",
    "require": "need",
    "requires": "need",
    "required": "need",
    "requiring": "need",
    "requirement": "need",
    "requirements": "need",
    "wants": "need",
    "want": "need",
    "asks": "need",
    "ask": "need",
    "asked": "need",
    "weights": "weights",
    "weight": "weights",
    "parameters": "parameters",
    "parameter": "parameters",
    "kv": "kv",
    "cache": "kv",
    "free": "free",
    "left": "free",
    "remain": "free",
    "remains": "free",
    "remaining": "free",
    "unused": "free",
    "available": "free",
    "usage": "taken",
    "image": "image",
    "taken": "taken",
    "takes": "taken",
    "take": "taken",
    "used": "taken",
    "uses": "taken",
    "use": "taken",
    "occupies": "taken",
    "longest": "longest",
    "context": "context",
    "concurrency": "concurrency",
    "concurrent": "concurrency",
    "sequences": "seqs",
    "batched": "batched",
    "utilization": "utilization",
    "parallel": "parallel",
    "position": "positions",
    "positions": "positions",
    "largest": "largest",
    "smallest": "smallest",
    "proposed": "change",
    "proposes": "change",
    "suggested": "change",
    "change": "change",
    "changes": "change",
    "passed": "passed",
    "failed": "failed",
    "quantization": "quantization",
    "quantized": "quantization",
    "size": "size",
    "would": "would",
}
"""What a number may be said of; `need` is the weak one: `the weights need 15 GiB` is `the weights are 15
GiB`."""
WEAK = frozenset(("need",))
BY_UNIT = {
    "token": "context",
    "request": "concurrency",
    "gpu": "gpus",
    "node": "nodes",
    "model": "models",
    "change": "change",
    "test": "tests",
    "finding": "findings",
    "k": "context",
}
"""What a number with that unit is said of, where no word says it."""
BY_FLAG = {
    "--max-model-len": "context",
    "--max-num-seqs": "seqs",
    "--max-num-batched-tokens": "batched",
    "--gpu-memory-utilization": "utilization",
    "--tensor-parallel-size": "parallel",
}
INSTEAD = {
    "context": frozenset(("context", "batched", "positions")),
    "concurrency": frozenset(("concurrency", "seqs")),
}
"""Topics that take the place of a unit's own."""

PREPOSITIONS = _set("in into on with for from at to than against by using across")
LINKS = _set("and but while whereas because since so therefore thus which vs versus although though or")
"""Words that begin another clause."""
CAUSES = frozenset(("because", "since", "so", "therefore", "thus"))
WOULD = _set("would need do help run start fit work serve suffice on with it the this that also instead")
"""What may stand around one of the ways out that the facts name."""
MORE = _set("exceed exceeds exceeding above over more larger greater higher bigger beyond")
LESS = _set("below under less smaller lower fewer")
NOT = _set("not no cannot never neither nor without none n't unable")
FINE = _set(
    "fit fits fitting run runs running start starts work works serve serves served servable suffices suffice"
    " sufficient enough ready supported compatible pass passes deployable ok okay"
)
BAD = _set("fail fails failing insufficient lacks lack short")
SIZE = _set("fit fits fitting insufficient lacks lack short enough sufficient suffice suffices")
"""Beside a NO-GO they say that memory is short."""
TOO = _set("large big small little much many")
"""After `too`: the verdict's other face."""
ALL = _set("all both every everything each")
VAGUE = _set("only most few several some many")
OVERALL = _set("overall manifest deployment everything verdict")
PRONOUNS = _set("it its they their them this that these itself")
VERBS = _set(
    "is are be been being has have having can do does offers offer provides provide gives give holds hold "
    "shows show says say gets get handles handle allows allow leaves leave means mean sets set contains "
    "contain lists list asks ask becomes become comes come goes makes make stays stay"
)
PLAIN = _set(
    "a an the of out as at by there here gpu gpus card cards cluster node nodes model models memory vram "
    "request requests token tokens verdict deployment estimate estimated configuration plan argument "
    "arguments manifest facts fact run overall about around roughly approximately nearly least up to once "
    "one alone own vllm kubernetes openshift kserve runtime version maximum currently also then now "
    "product unit units test tests qa outcome code given configured stated length capacity in all finding "
    "findings"
)
"""Says nothing that could be false, beside a number or a verdict that is held against the facts."""
FRAGMENT = _set(
    "a an the of for on in to at with by overall run manifest model models gpu gpus cluster verdict"
    " deployment also then now currently once here"
)
"""What a clause may consist of that says nothing at all, such as `for the model`."""
LEXICON = frozenset().union(
    PLAIN,
    TOPICS,
    PREPOSITIONS,
    LINKS,
    MORE,
    LESS,
    NOT,
    FINE,
    BAD,
    TOO,
    ALL,
    VAGUE,
    OVERALL,
    PRONOUNS,
    VERBS,
    BETWEEN,
    UNITS,
    NUMBER_WORDS,
    ("too", "go", "only", "just"),
)
