"""Which facts answer which kind of question: a table of key words, the first that fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.answers.parts import Part
from modelcar_tui.supervisor.answers.understood import Asked

MOST_MODELS = 8
Facts = Mapping[str, RunFact]
Parts = tuple[Part, ...]


class Topic(NamedTuple):
    """One kind of question."""

    words: str
    """Any of them."""
    answer: Callable[[Asked, Facts], Parts]
    also: str = ""
    """And any of these."""


def by_topic(asked: Asked, facts: Facts) -> Parts:
    """The parts of the first topic that has something to say; none where no topic fits."""
    for topic in TOPICS:
        if asked.has(topic.words) and (not topic.also or asked.has(topic.also)):
            found = tuple(part for part in topic.answer(asked, facts) if part.ids or part.do == "cannot")
            if found:
                return found
    return ()


def say(facts: Facts, ids: Iterable[str]) -> Part:
    """Those of the facts that there are."""
    return Part(ids=tuple(one for one in ids if one in facts))


def whom(asked: Asked, facts: Facts) -> tuple[str, ...]:
    """The models that are asked about: those named, else those with the verdict that is named, else all."""
    every = [fact for fact in facts.values() if fact.measure == "verdict" and not fact.which]
    if asked.models:
        named = [fact for fact in every if fact.model in asked.models]
        same = [fact.model for fact in named if fact.value == asked.verdict]
        return tuple(same or asked.models)[:MOST_MODELS]
    told = [fact.model for fact in every if not asked.verdict or fact.value == asked.verdict]
    return tuple(told)[:MOST_MODELS]


def troubled(asked: Asked, facts: Facts) -> tuple[str, ...]:
    """Of the models that are asked about those that are not GO; all of them where there are none."""
    verdicts = [fact for fact in facts.values() if fact.measure == "verdict" and not fact.which]
    mine = [fact for fact in verdicts if not asked.models or fact.model in asked.models]
    if asked.verdict in ("NO-GO", "UNKNOWN"):
        return tuple(fact.model for fact in mine if fact.value == asked.verdict)[:MOST_MODELS]
    bad = [fact.model for fact in mine if fact.value != "GO"]
    return tuple(bad or [fact.model for fact in mine] or asked.models)[:MOST_MODELS]


def of(*measures: str) -> Callable[[Asked, Facts], Parts]:
    """An answer made of measures of the models that are asked about."""

    def answer(asked: Asked, facts: Facts) -> Parts:
        return (say(facts, [f"model/{name}/{one}" for name in whom(asked, facts) for one in measures]),)

    return answer


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


def _why(asked: Asked, facts: Facts) -> Parts:
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


def _help(asked: Asked, facts: Facts) -> Parts:
    names = troubled(asked, facts)
    needed = [
        fact.id
        for fact in facts.values()
        if fact.measure == "change"
        and not fact.which
        and fact.more.get("need") == "required"
        and fact.model in names
    ]
    helped = [f"model/{name}/help" for name in names] if asked.models or not needed else []
    return (say(facts, ["verdict", *needed, *helped, "verdict/with_changes"]),)


def _accept(asked: Asked, facts: Facts) -> Parts:
    warned = [
        fact.id
        for fact in facts.values()
        if fact.measure == "change" and not fact.which and fact.more.get("need") == "warning"
    ]
    ids = ["verdict/with_changes", "together/missing", "changes", *_required(facts), *warned]
    return (say(facts, ids),)


def _required(facts: Facts) -> list[str]:
    changes = (fact for fact in facts.values() if fact.measure == "change" and not fact.which)
    return [fact.id for fact in changes if fact.more.get("need") == "required"]


def _plan(asked: Asked, facts: Facts) -> Parts:
    changes = [
        fact.id
        for fact in facts.values()
        if fact.measure == "change" and not fact.which and (not asked.models or fact.model in asked.models)
    ]
    last = [] if asked.models else ["verdict/with_changes"]
    if asked.models and not changes:
        names = ", ".join(asked.models)
        return (Part(do="cannot", why=f"No change is proposed for {names}.", ids=("changes",)),)
    return (say(facts, ["changes", *changes[:20], *last]),)


def _which(asked: Asked, facts: Facts) -> Parts:
    ids: list[str] = []
    for name in whom(asked, facts):
        cells = [one for one in facts if one.startswith(f"model/{name}/on/")]
        detail = cells if asked.models and len(cells) > 1 else []
        ids += [f"model/{name}/runs_on", *detail, f"model/{name}/help"]
    return (say(facts, ids),)


def _gpus_needed(asked: Asked, facts: Facts) -> Parts:
    if asked.models:
        ids = [f"model/{name}/{one}" for name in asked.models for one in ("gpu_count", "help")]
        changes = [
            one
            for one, fact in facts.items()
            if fact.measure == "change" and fact.model in asked.models and fact.flag == "gpu_count"
        ]
        return (say(facts, [*ids, *changes]),)
    return (say(facts, ["gpus/asked", "together", "together/missing", "gpu/free"]),)


def _largest(asked: Asked, facts: Facts) -> Parts:
    measure = "need" if asked.has("vram|memory|needs?") else "weights"
    known = [
        one for one in facts.values() if one.measure == measure and not one.which and one.number is not None
    ]
    if not known:
        return ()
    least = asked.has("small\\w*|least|tiniest|lightest|fewest")
    ranked = sorted(known, key=lambda one: one.number or 0.0, reverse=not least)
    return (Part(ids=tuple(one.id for one in ranked[:3])),)


def _status(asked: Asked, facts: Facts) -> Parts:
    if asked.models:
        return (say(facts, [f"model/{name}/{one}" for name in asked.models for one in ("verdict", "need")]),)
    return (say(facts, ["verdict", *counted(facts)]),)


def counted(facts: Facts) -> list[str]:
    """How many models have which verdict, those verdicts that some have."""
    return [one.id for one in facts.values() if one.measure == "models_with" and one.value]


def _listed(asked: Asked, facts: Facts) -> Parts:
    return (say(facts, ["models", *counted(facts)]),)


def _left(asked: Asked, facts: Facts) -> Parts:
    if not asked.models:
        return ()
    measures = ("budget", "taken", "kv_cache")
    return (say(facts, [f"model/{name}/{one}" for name in asked.models for one in measures]),)


def _nodes(asked: Asked, facts: Facts) -> Parts:
    placed = [f"model/{name}/place" for name in asked.models]
    if asked.models and any(one in facts for one in placed):
        return (say(facts, placed),)
    if asked.models:
        why = "No node is chosen: this run says whether a node could take it, the scheduler chooses."
        return (Part(do="cannot", why=why, ids=tuple(f"model/{name}/verdict" for name in asked.models)),)
    nodes = [one for one in facts if one.startswith("node/")]
    return (say(facts, ["gpu/nodes", *nodes[:12]]),)


def _kinds(asked: Asked, facts: Facts) -> Parts:
    product = asked.gpu.partition(":")[0]
    kinds = [one.id for one in facts.values() if one.measure == "kind" and product in ("", one.gpu)]
    return (say(facts, ["gpu/free", *kinds] if not product else kinds),)


def _differ(asked: Asked, facts: Facts) -> Parts:
    names = asked.models or troubled(asked, facts)[:1]
    return (say(facts, [f"model/{name}/{one}" for name in names for one in ("simple_need", "need")]),)


_HOW_MANY = r"how many|number of|count of|total"
TOPICS = (
    Topic(
        r"costs?|price\w*|cheap\w*|euros?|dollars?|expensive",
        cannot("What it costs is in no run.", "gpu_count", "need"),
    ),
    Topic(r"licen[cs]e\w*|legal|allowed to use", cannot("Licences are not looked at.")),
    Topic(
        r"tokens? (?:per|a) second|tokens?/s|throughput|latency|ttft|tpot|how fast|faster|speed|slow\w*|"
        r"performance",
        cannot("How fast it answers is not measured or estimated.", "concurrency", "longest_context"),
    ),
    Topic(
        r"accura\w+|quality|hallucinat\w*|good at|better model|benchmark\w*",
        cannot("The quality of answers is not looked at.", "quantization"),
    ),
    Topic(
        r"longest|maximum|max|largest|how long",
        of("longest_context", "context"),
        r"context|length|window|tokens?|sequence",
    ),
    Topic(r"(?:pull(?!\s+secret)|download)\w*", of("image_size", "pull")),
    Topic(
        r"how long|how much time|when will|load(?:ing)? time|start(?:ing|up)? time|minutes|hours|until it",
        cannot("How long it takes to load and start is not predicted.", "weights", "image_size", "pull"),
    ),
    Topic(
        r"cve|vulnerab\w+|signed|signature|secure|security",
        cannot("Signatures and vulnerabilities of images are not looked at."),
    ),
    Topic(
        r"differ\w*|disagree\w*|contradict\w*|two (?:numbers|figures|values)|"
        r"(?:configuration )?pane\b.*\bverdict",
        _differ,
    ),
    Topic(
        r"safe|risk\w*|harm\w*|dangerous|should i|ok(?:ay)? to",
        _accept,
        r"accept\w*|appl\w+|changes?|approve|plan|write",
    ),
    Topic(r"what happens|what if|if|after", _accept, r"accept\w*|apply|approve"),
    Topic(
        r"smallest change|minimal\w* (?:change|fix)\w*|fewest changes|least change\w*|required changes?|"
        r"only (?:the )?required|"
        r"(?:make|makes|making|get|gets|turn) (?:it|them|this|the manifest|"
        r"everything)? ?(?:to )?(?:a )?go|fix|mend|solve|"
        r"(?:do|can) i do|needs? to change|must (?:i )?change|to be go|unblock|would help|helps?|"
        r"(?:should|must|can|do) (?:i|we) do|next step|what now|what next",
        _help,
    ),
    Topic(
        r"chang\w+|diff|propos\w+|modif\w+|edit\w*|rewrite|plan|suggest\w*|improve\w*|optimi[sz]\w+", _plan
    ),
    Topic(
        r"at once|same time|concurren\w+|in parallel|simultaneous\w*|how many|many",
        of("concurrency", "argument"),
        r"requests?|users?|sequences?|clients?|concurrency|queries",
    ),
    Topic(r"concurrency|requests?|users", of("concurrency")),
    Topic(r"replicas?|copies|instances?|how often", of("copies")),
    Topic(
        r"same time|at once|together|simultaneous\w*|side by side|all of them|all models|"
        r"all (?:of )?the models|everything|in parallel|them all|all (?:four|five|three|six|two|\d+)",
        these("together", "together/missing", "gpus/asked", "gpu/free"),
        r"fit|fits|run|runs|serve\w*|deploy\w*|start|enough|together|at once|same time|room|place|host",
    ),
    Topic(
        r"gpus?|cards?|accelerators?",
        _gpus_needed,
        r"needs?|needed|require\w*|want\w*|total|in all|altogether|ask\w*",
    ),
    Topic(
        r"(?:which|what|whose) (?:other )?(?:kinds? of )?(?:gpus?|cards?|accelerators?)",
        _kinds,
        r"are there|do i have|do we have|have i|in the cluster|has the cluster|available|free|found|exist|"
        r"see",
    ),
    Topic(
        r"(?:which|what|whose) (?:other )?(?:kinds? of )?(?:gpus?|cards?|accelerators?|hardware)|would do|"
        r"where (?:can|could|would|does|will)",
        _which,
    ),
    Topic(
        r"largest model|biggest model|smallest model|which model|heaviest|lightest|largest|biggest|smallest",
        _largest,
        r"models?|one|vram|memory|weights|size|needs?",
    ),
    Topic(r"memory|vram|gib", _left, r"left|remain\w*|free|spare|room"),
    Topic(
        r"gpus?|cards?|accelerators?",
        _kinds,
        rf"free|available|{_HOW_MANY}|idle|unused|taken|busy|there|memory|left|have",
    ),
    Topic(r"disks?|storage", cannot("Of the nodes' disks only checks that failed are told.", "image_size")),
    Topic(r"nodes?|land|lands|placed|placement|scheduled", _nodes),
    Topic(r"context|max-model-len|sequence length|window", of("context", "longest_context")),
    Topic(r"kv|cache", of("kv_cache", "kv_tokens", "kv_request")),
    Topic(r"utili[sz]ation", of("--gpu-memory-utilization", "budget", "taken", "kv_cache")),
    Topic(r"images?|layers?|registry", of("image_size", "pull")),
    Topic(r"weights?", of("weights", "weights_each")),
    Topic(
        r"parameters?|how big|how large|size",
        of("parameters", "weights", "need"),
        r"model|parameters?|big|large|size|is",
    ),
    Topic(r"quanti[sz]\w+|precision|bits?|dtype", of("quantization")),
    Topic(r"vram|memory|gib|gb|needs?|require\w*|ram|footprint", of("need", "weights")),
    Topic(r"vllm|runtime|release|version", these("runtime/vllm")),
    Topic(r"qa|tests?|tested|pass(?:ed)?|suite|opendatahub\S*", all_of("qa", "qa_tests", "qa_model")),
    Topic(
        r"not known|unknowns|don'?t (?:you )?know|do(?:es)? not know|unsure|assum\w+|missing|uncertain\w*|"
        r"certain|sure|confiden\w+",
        all_of("unknown", "vllm"),
    ),
    Topic(r"cluster|kubeconfig|openshift|connect\w*|reach\w*|log(?:ged)? in", these("cluster", "gpu/free")),
    Topic(
        r"warnings?|findings?|problems?|issues?|errors?|wrong|lint|complain\w*|notes?|remarks?|caution\w*",
        all_of("finding", "check", "note", "vote"),
    ),
    Topic(r"models?", _listed, rf"{_HOW_MANY}|which|list|what|name"),
    Topic(r"gpus?|cards?|accelerators?", _kinds),
    Topic(r"why|reasons?|because|stops?|block\w*|prevents?", _why),
    Topic(
        r"go|no-go|verdict|ready|deploy\w*|serve\w*|servable|run|runs|work|works|fit|fits|start|starts|"
        r"accept\w*|status|result|outcome|ok|okay|good|fine|enough|can|safe",
        _status,
    ),
)
"""From the most telling words to the least."""
