"""Does what a model wrote agree with the facts that it was given? Pure functions; doubt means no.

Each sentence is taken apart (`reading`), each number is tied to what it is said of (`figures`) and must be
that number of that model or GPU in the facts (`claims`); each verdict, and each `it fits`, must be the
verdict of the models that its clause names. A word that the lexicon lacks, or a clause that says nothing of
the kind, is doubt.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from itertools import pairwise

import msgspec

from modelcar_tui.core.text import has_hidden
from modelcar_tui.supervisor.llm import lexicon as lex
from modelcar_tui.supervisor.llm.claims import Known, said
from modelcar_tui.supervisor.llm.figures import Claim, Figure, agrees, figures
from modelcar_tui.supervisor.llm.reading import Clause, StrangeError, sentences

MOST_CHARS = 900
_LINKS = re.compile(r"https?:|www\.|\]\(|<[a-z/]|@\w+\.\w", re.IGNORECASE)
_CAUSAL = frozenset(
    ("need", "memory", "weights", "free", "taken", "whole", "kv", "kv-need", "gpus", "context", "not")
)
"""What a number in a sentence that gives a reason may be said of."""


class _Scene(msgspec.Struct):
    """Who was spoken of last; changes from clause to clause."""

    models: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()
    last: Figure | None = None
    """The figure before, in the same sentence: `granite needs 19 GiB and llama 141 GiB`."""
    checked: bool = False
    """Whether anything of the sentence could be held against facts."""
    begun: bool = False
    """Whether a clause of the sentence came before."""
    told: set[str] = msgspec.field(default_factory=set)
    """The verdict that the sentence told last."""
    would: tuple[str, ...] = ()


def fault(prose: str, known: Known) -> str:
    """The first thing in `prose` that the facts don't bear out, or the empty text."""
    prose = unicodedata.normalize("NFKC", prose)
    if not prose.strip():
        return "it is empty"
    if len(prose) > MOST_CHARS:
        return f"it is longer than {MOST_CHARS} characters"
    if has_hidden(prose.replace("\n", " ")) or "\N{REPLACEMENT CHARACTER}" in prose:
        return "it has hidden characters"
    if _LINKS.search(prose):
        return "it has a link or markup"
    if "?" in prose:
        return "it asks"
    try:
        read = sentences(prose, known.names)
    except StrangeError as error:
        return f"a number in a strange form: {str(error)[:40]}"
    scene = _Scene(
        models=tuple(known.names.models.values()) if len(set(known.names.models.values())) == 1 else ()
    )
    scene.models = tuple(dict.fromkeys(scene.models))
    for sentence in read:
        if why := _sentence(sentence, scene, known):
            return why
    return "" if read else "it says nothing"


def _sentence(sentence: list[Clause], scene: _Scene, known: Known) -> str:
    whole = tuple(word for clause in sentence for word in said(clause))
    if _quoted(whole, sentence, scene, known):
        return ""
    scene.last, scene.checked, scene.begun, scene.told, scene.would = None, False, False, set(), ()
    causal = any(clause.link in lex.CAUSES for clause in sentence)
    for clause in sentence:
        if why := _words(clause) or _clause(clause, scene, known, causal=causal):
            return why
    return "" if scene.checked else f"nothing in it can be checked: {' '.join(whole)[:60]}"


def _quoted(words: tuple[str, ...], clauses: list[Clause], scene: _Scene, known: Known) -> bool:
    """Whether these are a fact's own words, of the model that is spoken of or of the whole run."""
    models = {name for clause in clauses for name in clause.texts("model")} or set(scene.models)
    about = [*models] if len(models) == 1 else []
    return any(words in known.quotes.get(name, ()) for name in (*about, ""))


def _words(clause: Clause) -> str:
    words = clause.texts()
    for before, word in zip(("", *words), words, strict=False):
        if word in lex.VAGUE and not (word == "most" and before == "at"):
            return f"{word!r} can't be checked"
        if word == "once" and before != "at":
            return "a time can't be checked"
    return "one denial of another" if sum(word in lex.NOT for word in words) > 1 else ""


def _clause(clause: Clause, scene: _Scene, known: Known, *, causal: bool) -> str:
    words = clause.texts()
    if _quoted(said(clause), [clause], scene, known):
        scene.checked = True
        _remember(clause, scene)
        return ""
    if _option(clause, scene, known):
        scene.checked = True
        _remember(clause, scene)
        return ""
    if clause.link == "or" or scene.would:
        return "an alternative that is not in the facts"
    pointing = not clause.texts("model") and (
        "gpu" in words or "gpus" in words or "card" in words or "cards" in words
    )
    of_gpu = bool(clause.texts("gpu")) and not clause.texts("model")
    found = figures(clause, gpu_known=pointing or of_gpu or (clause.link == "which" and bool(scene.gpus)))
    why = _names(clause, scene, known) or _shared(clause, found)
    checked, before = bool(found), scene.last
    for figure in found:
        why = why or _figure(figure, clause, scene, known, causal=causal, pointing=pointing)
        scene.last = figure
    if not why and not any(figure.number.unit == "model" for figure in found):
        told, why = _verdict(clause, scene, known, numbers=bool(found))
        checked |= told
    why = why or _compared(clause, found, before)
    if not why and not checked:
        checked, why = _worded(clause, scene, known)
    if not why and not checked and not _harmless(clause, scene, known):
        why = f"nothing in it can be checked: {' '.join(said(clause))[:60]}"
    scene.told = set(clause.texts("verdict")) or scene.told
    scene.begun = True
    scene.checked |= checked
    _remember(clause, scene)
    return why


def _shared(clause: Clause, found: list[Figure]) -> str:
    """Whether a memory is told of each GPU: `2 x L40S with 45 GiB each`, never `2 x L40S have 45 GiB`."""
    words = clause.texts()
    memory = any("memory" in figure.topics for figure in found)
    several = any(figure.number.unit == "gpu" and figure.number.value != 1 for figure in found)
    if memory and several and "each" not in words:
        return "a memory of several GPUs, or of each"
    after = words[words.index("each") + 1 :][:1] if "each" in words else ()
    if found and "each" in words and (not memory or after in (("node",), ("model",), ("request",))):
        return "a number said of each can't be checked"
    return ""


def _remember(clause: Clause, scene: _Scene) -> None:
    scene.models = tuple(dict.fromkeys(clause.texts("model"))) or scene.models
    scene.gpus = tuple(dict.fromkeys(clause.texts("gpu"))) or scene.gpus


def _names(clause: Clause, scene: _Scene, known: Known) -> str:
    """Words that no lexicon has: values of the facts of the model that is spoken of, or nothing."""
    models = clause.texts("model") or scene.models
    places = [token for token in clause.tokens if token.text != "the"]
    texts = "\0".join(token.kind if token.kind == "model" else token.text for token in places)
    if any(f"{before}\0model" in texts for before in ("on", "with", "memory\0of", "vram\0of")):
        return "a model stands where a GPU should"
    for name in clause.texts("name"):
        own = all(name in known.words.get(model, ()) for model in models) if models else False
        if not own and name not in known.words.get("", ()):
            return f"{name[:60]!r} is in no fact here, and no word that the check knows"
    for flag in clause.texts("flag"):
        if not any(lex.BY_FLAG.get(flag, flag) in claim.topics for claim in known.claims):
            return f"{flag[:60]} is in no fact"
    return ""


def _figure(
    figure: Figure, clause: Clause, scene: _Scene, known: Known, *, causal: bool, pointing: bool
) -> str:
    topics = figure.topics
    if scene.last is not None and not figure.number.unit and not figure.flag:
        unit = scene.last.number.unit  # `12 tests passed and 0 failed`
        figure = figure._replace(number=figure.number._replace(unit=unit))
        topics |= {lex.BY_UNIT[unit]} if unit in lex.BY_UNIT else set()
    own = {lex.BY_UNIT.get(figure.number.unit, "")} | {"whole", "not"}
    last = scene.last
    if last is not None and topics <= own and last.number.unit == figure.number.unit and not figure.gpus:
        topics = last.topics | topics
    elif last is not None and not topics and not figure.gpus and "need" in last.topics:
        topics = frozenset(("need",))  # `needs 1 GPU and 18 GiB`
    if lex.ALL & set(clause.texts()) - {"each"}:
        return "a number said of all can't be checked"
    if topics == {"free"} and figure.number.unit == "gib" and clause.texts("model"):
        return "what is free is the GPU's, not the model's"
    claims = [claim for claim in known.claims if _same(figure, claim) and agrees(topics, claim.topics)]
    abouts = {claim.about for claim in claims}
    models = figure.models or clause.texts("model")
    gpus = figure.gpus or clause.texts("gpu")
    pointing = pointing or clause.link == "which"
    if not _borne(abouts, models, gpus, figure, scene, known, pointing=pointing):
        unit = f" {figure.number.unit}" if figure.number.unit else ""
        return f"{figure.number.value}{unit} is not in the facts as what it is said to be"
    if causal and not _reason(topics, claims, set(models or scene.models), known):
        return "a reason that is not the verdict's own"
    return ""


def _reason(topics: frozenset[str], claims: list[Claim], models: set[str], known: Known) -> bool:
    """Whether a number may stand in a sentence that says why: it stands in the verdict's reason, or the need
    and the GPU's memory decide by themselves.
    """
    if any(claim.why for claim in claims) and topics <= _CAUSAL - {"need", "memory"}:
        return True
    verdicts = {known.verdicts.get(name) for name in models}
    decided = models <= known.short if verdicts == {"NO-GO"} else not models & known.short
    return bool(models) and topics <= _CAUSAL and decided


def _borne(
    abouts: set[str],
    models: tuple[str, ...],
    gpus: tuple[str, ...],
    figure: Figure,
    scene: _Scene,
    known: Known,
    *,
    pointing: bool,
) -> bool:
    """Whether the facts say the number of those that the clause speaks of."""
    if models and gpus:
        of_models = set(models) <= abouts and all(known.judged.get(model) in gpus for model in models)
        of_gpus = figure.number.unit == "gib" and "need" not in figure.topics and bool(figure.gpus)
        return of_models or (of_gpus and set(figure.gpus) <= abouts)
    if models or gpus:
        every = not models and set(gpus) == set(known.names.gpus.values())
        return set(models or gpus) <= abouts or (every and not figure.gpus and "" in abouts)
    if "" in abouts:
        return True
    if pointing:
        judged = {known.judged[model] for model in scene.models if model in known.judged}
        kinds = set(known.names.gpus.values())
        meant = set(scene.gpus) or judged or (kinds if len(kinds) == 1 else set())
        if meant and meant <= abouts:
            return True
    return bool(scene.models) and set(scene.models) <= abouts


def _same(figure: Figure, claim: Claim) -> bool:
    number, value, unit = figure.number, claim.value, claim.unit
    if number.unit == "%":
        return unit in ("", "share") and 0 < value <= 1 and number.value == value * 100
    if number.unit == "k":
        return unit == "token" and value in (number.value * 1000, number.value * 1024)
    if number.unit != unit and not (number.unit == "" and (figure.flag or unit == "")):
        return False
    if number.value == value:
        return True
    near = abs(number.value - value) <= Decimal(5) * Decimal(10) ** (-number.decimals - 1)
    return near and value >= 10 and value != value.to_integral_value()


def _verdict(clause: Clause, scene: _Scene, known: Known, *, numbers: bool) -> tuple[bool, str]:
    """Whether the clause tells a verdict in whatever words, and what speaks against it."""
    words = clause.texts()
    told = set(clause.texts("verdict"))
    negated = bool(lex.NOT & set(words))
    fine, bad = bool(lex.FINE & set(words)), bool(lex.BAD & set(words)) or _too(words)
    if not numbers:
        fine, bad = fine or "passed" in words, bad or "failed" in words
    if not told and not fine and not bad:
        return False, ""
    if len(told) + fine + bad > 1 or (negated and (told or bad)):
        return True, "a verdict said in a way that can't be checked"
    if numbers and (negated or bad):
        return True, "a number and a denial in one clause can't be checked"
    word = next(iter(told)) if told else "NO-GO" if bad or negated else "GO"
    right, why = _right(clause, scene, known)
    if word == "NO-GO" and (lex.SIZE & set(words) or _too(words)):
        blocked = {name for name, verdict in known.verdicts.items() if verdict == "NO-GO"}
        if not (set(clause.texts("model") or scene.models) or blocked) <= known.short:
            return True, "memory is not what it lacks"
    if why or right != {word}:
        return True, why or f"it says {word}, which is not the verdict: {' '.join(said(clause))[:60]}"
    return True, ""


def _too(words: tuple[str, ...]) -> bool:
    return any(word == "too" and after in lex.TOO for word, after in pairwise(words))


def _right(clause: Clause, scene: _Scene, known: Known) -> tuple[set[str], str]:
    """The verdicts of those that a clause speaks of: one word where all is clear."""
    words = set(clause.texts())
    models = tuple(dict.fromkeys(clause.texts("model")))
    gpus = set(clause.texts("gpu"))
    counted = any(token.kind == "number" and token.unit == "change" for token in clause.tokens)
    if counted or "change" in {lex.TOPICS.get(word) for word in words}:
        return ({known.with_changes} - {""} if not models else set()), ""
    if not known.verdicts and not known.overall:
        return {known.went} - {""}, ""
    sole = tuple(known.verdicts) if len(known.verdicts) == 1 else ()
    if models or (sole and known.overall in ("", known.verdicts[sole[0]])):
        models = models or sole
    elif lex.ALL & words:
        models = tuple(known.verdicts)
    elif words & lex.OVERALL or not scene.models:
        # `The verdict` after a model was named may be either's.
        near = (
            {known.verdicts.get(name, "") for name in scene.models}
            if "verdict" in words - {"overall"}
            else set()
        )
        return {known.overall} | near, "" if not gpus else "a verdict of a GPU alone can't be checked"
    else:
        models = scene.models
    right = {known.verdicts.get(name, "") for name in models}
    if (
        gpus
        and right != {"NO-GO"}
        and not all(known.judged.get(name) in gpus and len(gpus) == 1 for name in models)
    ):
        return right, "the verdict is of another GPU"
    return right, ""


def _compared(clause: Clause, found: list[Figure], before: Figure | None) -> str:
    """`150 GiB is more than 45 GiB`: both sides must be numbers of one unit, and in that order."""
    places = [
        (index, token.text in lex.MORE)
        for index, token in enumerate(clause.tokens)
        if token.kind == "word" and token.text in lex.MORE | lex.LESS
    ]
    for place, more in places:
        left = next((figure for figure in reversed(found) if figure.at < place), before)
        right = next((figure for figure in found if figure.at > place), None)
        if left is None or right is None or left.number.unit != right.number.unit:
            return "a comparison that can't be checked"
        if (left.number.value > right.number.value) is not more or left.number.value == right.number.value:
            return "a comparison that is not so"
    return ""


def _option(clause: Clause, scene: _Scene, known: Known) -> bool:
    """Whether a clause says one of the ways out that the facts name: `4 x L40S on one node would do`."""
    models = set(clause.texts("model")) or set(scene.models)
    words = tuple(word for word in said(clause) if word not in models)
    for option in known.options.get(next(iter(models)), ()) if len(models) == 1 else ():
        for start in range(len(words) - len(option) + 1):
            rest = (*words[:start], *words[start + len(option) :])
            if words[start : start + len(option)] == option and "would" in (*rest, *scene.would):
                scene.would = ("would",)
                return lex.WOULD.issuperset(rest)
    return False


def _worded(clause: Clause, scene: _Scene, known: Known) -> tuple[bool, str]:
    """A fact in words: `it is quantized as w4a16`, `the runtime is vLLM 0.11.2`."""
    words = set(clause.texts())
    topics = {lex.TOPICS.get(word, word) for word in words} & {
        "quantization",
        "version",
        "vllm",
        "runtime",
        "finding",
    }
    if len(topics & {"quantization", "finding"}) > 1 or not topics:
        return False, ""
    models = clause.texts("model") or scene.models
    names, negated = clause.texts("name"), bool(lex.NOT & words)
    if "quantization" in topics and negated and not names:
        none = bool(models) and all("none" in known.words.get(model, ()) for model in models)
        return none, "" if none else "a quantization that is not so"
    return bool(names) and not negated, ""


def _harmless(clause: Clause, scene: _Scene, known: Known) -> bool:
    """Whether a clause says nothing at all, as `for granite`, or lists whom the verdict before it is of."""
    if {token.kind for token in clause.tokens} - {"word", "model", "gpu"}:
        return False
    models = clause.texts("model")
    if scene.begun and (models or clause.texts("gpu")):
        verdicts = {known.verdicts.get(name) for name in models}
        return bool(models) and verdicts == scene.told and not clause.texts("gpu") and not clause.texts()
    return lex.FRAGMENT.issuperset(clause.texts())
