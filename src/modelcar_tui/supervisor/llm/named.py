"""The facts of a run by name: all that a language model, or an answer, is given. Cleaned, capped, without
places.

Not among them: image references, hosts, users, paths, node names, log lines and anything secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from modelcar_tui.cluster import CardKind, card_kinds
from modelcar_tui.core.counting import several
from modelcar_tui.core.facts import Fact
from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.llm.lexicon import BY_FLAG
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import DecisionReport, ModelRequirements, ModelVerdict, Verdict
from modelcar_tui.vllm.arguments import parse_arguments

MOST_FACTS = 120
MOST_MODELS = 20
MOST_BYTES = 16_000
SHARES = (
    "names of the manifest's models; sizes, quantization and VRAM needs of each",
    "their serving arguments about memory (context length, sequences, utilization, KV cache type, parallel "
    "size)",
    "GPU products with their memory, total and free counts; the vLLM version",
    "verdicts, their reasons, proposed changes, lint codes, QA's outcome code and counts",
    "your own questions; never: images, hosts, users, paths, node names, log lines, kubeconfig, keys",
)
_PLACES = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+|\b[\w.+-]+@[\w-]+\.[\w.-]+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|"
    r"(?<![\w.])(?:~|\.{0,2})/[\w./@:+-]{2,}|\b(?:[a-z0-9-]+\.){2,}[a-z]{2,}(?::\d+)?(?:/\S*)?",
    re.IGNORECASE,
)
TUNABLE = (
    "--max-model-len",
    "--max-num-seqs",
    "--max-num-batched-tokens",
    "--gpu-memory-utilization",
    "--kv-cache-dtype",
    "--tensor-parallel-size",
    "--enforce-eager",
)
"""Arguments that a what-if may set and that may be told."""
_SEQUENCES = "--max-num-seqs"
_COUNTS = ("--max-model-len", "--max-num-batched-tokens", "--max-num-seqs")


class Named(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fact by its id, such as `model/granite/required_vram`."""

    id: str
    value: str | float | int | bool | None = None
    unit: str = ""
    source: str = ""
    note: str = ""
    about: str = ""
    """The model or GPU product that it is a fact of; not sent, for the id says it."""
    kind: str = ""
    """`model` or `gpu`, of `about`; not sent."""
    measure: str = ""
    """What of it, such as `weights`; not sent."""


def scrub(text: str, *, limit: int = 300) -> str:
    """A text that may leave the machine: one line, capped, with addresses and paths left out."""
    return clean(_PLACES.sub("(place)", clean(text, limit=4 * limit)), limit=limit)


def named_facts(state: RunState, pane: str | None = None) -> tuple[Named, ...]:
    """The facts of one pane, or of the whole run, at most `MOST_FACTS`."""
    makers = {
        "configuration": _configuration,
        "accelerator": _accelerator,
        "decision": _decision,
        "qa": _qa,
    }
    found: list[Named] = []
    for name, make in makers.items():
        if pane in (None, name):
            found += make(state)
    if pane is not None and pane not in makers:
        found += _other(state, pane)
    return tuple(found[:MOST_FACTS])


def known_went(state: RunState, facts: tuple[Named, ...]) -> str:
    """`GO` or `NO-GO` where the facts tell QA's outcome."""
    outcome = state.qa.outcome if any(fact.id == "qa/outcome" for fact in facts) else None
    if outcome is None or outcome.skipped:
        return ""
    return str(Verdict.GO if outcome.ok else Verdict.NO_GO)


def payload(facts: tuple[Named, ...]) -> str:
    """The facts as JSON, within `MOST_BYTES`: the last ones are left out."""
    rows: list[str] = []
    size = 2
    for fact in facts:
        told = msgspec.structs.replace(fact, about="", kind="", measure="")
        row = json.dumps(msgspec.to_builtins(told), ensure_ascii=True, separators=(",", ":"))
        size += len(row) + 1
        if size > MOST_BYTES:
            break
        rows.append(row)
    return "[" + ",".join(rows) + "]"


def _configuration(state: RunState) -> Iterator[Named]:
    if state.manifest is not None:
        yield Named(id="manifest/models", value=len(state.manifest.models), unit="models", measure="models")
    for model in state.models[:MOST_MODELS]:
        yield from model_facts(model)


def model_facts(model: ModelRequirements) -> Iterator[Named]:
    """One model: its sizes and the arguments that decide about memory."""
    name = scrub(model.car.name, limit=120)
    facts = model.image.model
    yield _named("model", name, "required_vram", model.required_vram_gib, "GiB")
    yield _named("model", name, "parameters", facts.parameters, "billion parameters", 1e9)
    yield _named("model", name, "weights", facts.weight_bytes, "GiB", 1024**3)
    quantization = facts.quantization_name
    word = (quantization.value or "none") if quantization.known else "not known"
    told = scrub(str(word), limit=40)
    yield _of(
        name, "quantization", id=f"model/{name}/quantization", value=told, source=str(quantization.source)
    )
    count = model.car.serving.gpu_count
    yield _of(name, "gpu_count", id=f"model/{name}/gpu_count", value=count, unit="GPUs", source="manifest")
    for item in parse_arguments(model.car.serving.args, None):
        flag, value = item.name, item.value or ""
        if flag in TUNABLE and re.fullmatch(r"[\w.]{0,20}", value):
            unit = {"--max-num-seqs": "requests"}.get(flag, "tokens") if flag in _COUNTS else ""
            number = int(value) if value.isascii() and value.isdecimal() else _share(value) or value or True
            topic = BY_FLAG.get(flag, flag)
            yield _of(name, topic, id=f"model/{name}/{flag}", value=number, unit=unit, source="manifest")


def _share(value: str) -> float | None:
    return float(value) if re.fullmatch(r"0?\.\d{1,6}|1\.0", value) else None


def _accelerator(state: RunState) -> Iterator[Named]:
    cluster = state.cluster
    if cluster is None:
        return
    available = {True: "yes", False: "no", None: "not known"}[cluster.gpu_available]
    yield Named(id="gpu/available", value=available, source=scrub(cluster.inventory.origin, limit=30))
    nodes = sum(any(pool.units for pool in node.pool) for node in cluster.inventory.nodes)
    yield Named(id="gpu/nodes", value=nodes, unit="nodes", measure="nodes")
    for kind in [kind for kind in card_kinds(cluster.inventory) if kind.usable][:12]:
        yield _kind(kind)
    version = cluster.runtime.version if cluster.runtime else None
    if state.vllm:
        yield Named(id="runtime/vllm", value=scrub(state.vllm, limit=40), source="operator")
    else:
        yield Named(id="runtime/vllm", value=scrub(version or "not known", limit=40))


def _kind(kind: CardKind) -> Named:
    """The cards of a kind; their parts only where it is not known how many cards are behind them."""
    product = scrub(kind.product or kind.vendor, limit=80)
    memory = f"{kind.mem_mib / 1024:.0f} GiB" if kind.mem_mib else "memory not known"
    whole, known = kind.how.startswith("whole"), not kind.unsure
    unit = "GPU" if whole else kind.unit.rpartition(" ")[2]
    count = f"free {unit}s are not known" if kind.free is None else several(kind.free, f"free {unit}")
    shared = "" if whole else f", {kind.how}: {several(kind.units, unit)}"
    return Named(
        id=f"gpu/{product}",
        value=kind.cards if known else kind.units,
        unit="GPUs" if known else f"{unit}s of GPUs",
        note=f"{memory} each{shared}, {count}",
        about=product,
        kind="gpu",
        measure="gpus",
    )


def _decision(state: RunState) -> Iterator[Named]:
    report = state.decision
    if report is None:
        return
    yield Named(id="verdict", value=str(report.verdict), note=scrub(report.why), measure="verdict")
    for vote in report.votes:
        yield Named(id=f"vote/{scrub(vote.who, limit=60)}", value=str(vote.verdict), note=scrub(vote.reason))
    most = {model.car.name: most_requests(model) for model in state.models}
    for model in report.models[:MOST_MODELS]:
        yield from verdict_facts(model, most.get(model.model))
    if report.with_changes is not None:
        note = _if_accepted(report)
        yield Named(
            id="verdict/with_changes", value=str(report.with_changes), note=note, measure="with_changes"
        )
        yield Named(id="changes", value=len(report.plan.changes), unit="changes", measure="change")
    if report.together:
        yield Named(id="all_at_once", value=scrub(report.together), measure="all_at_once")
    for change in report.plan.changes[:20]:
        value = (
            f"{change.old or 'nothing'} -> {change.new or 'removed'}" if change.flag in TUNABLE else "changed"
        )
        yield Named(
            id=f"change/{scrub(change.id, limit=160)}",
            value=scrub(value, limit=120),
            note=scrub(change.reason, limit=200),
        )
    for index, finding in enumerate(report.findings[:20]):
        told = scrub(finding.model, limit=120)
        yield _of(told, "finding", id=f"finding/{index + 1}", value=finding.code, note=told)


def _if_accepted(report: DecisionReport) -> str:
    """`2 proposed changes; each alone: 4 of 5 at once`: one fact, so that no half of it is told."""
    count = len(report.plan.changes)
    note = several(count, "proposed change")
    if report.with_changes is Verdict.GO and report.missing:
        note = scrub(f"{note}; each alone, {report.together}")
    return note


def most_requests(model: ModelRequirements) -> int | None:
    """What --max-num-seqs allows at once; None where it is not given."""
    given = [
        item.value or "" for item in parse_arguments(model.car.serving.args, None) if item.name == _SEQUENCES
    ]
    return int(given[-1]) if given and given[-1].isascii() and given[-1].isdecimal() else None


def verdict_facts(model: ModelVerdict, most: int | None = None) -> Iterator[Named]:
    """The verdict on one model, with the figures that decided it.

    Args:
        model: its verdict.
        most: requests at once that its arguments allow; more are never told, whatever fits.
    """
    name = scrub(model.model, limit=120)
    note = scrub(f"{model.comparison}; {model.why}")
    yield _of(name, "verdict", id=f"verdict/{name}", value=str(model.verdict), note=note)
    if model.settle:
        yield _of(name, "would_help", id=f"verdict/{name}/would_help", value=scrub(model.settle))
    result = model.estimate
    if result is None:
        return
    yield _named("estimate", name, "required", result.required_gib, "GiB")
    if result.kv_available_gib.value is None or result.kv_available_gib.value > 0:
        # What is left below nothing is no figure to tell: the verdict says what is short.
        yield _named("estimate", name, "kv_cache", result.kv_available_gib, "GiB")
        yield _named("estimate", name, "longest_context", result.longest_context, "tokens")
        at_once = result.max_concurrency
        if most is not None and at_once.value is not None and at_once.value > most:
            at_once = msgspec.structs.replace(at_once, value=float(most))
        yield _named("estimate", name, "concurrency", at_once, "requests")


def _qa(state: RunState) -> Iterator[Named]:
    qa = state.qa
    if qa.outcome is None:
        return
    message = scrub(qa.outcome.message, limit=200)
    yield Named(id="qa/outcome", value=qa.outcome.code, note=message, measure="outcome")
    if qa.progress.total:
        yield Named(id="qa/passed", value=qa.progress.passed, unit="tests", measure="passed")
        yield Named(id="qa/failed", value=qa.progress.failed, unit="tests", measure="failed")


def _other(state: RunState, name: str) -> Iterator[Named]:
    """A specialist of another package: its metadata only, for its lines may hold anything."""
    pane = state.pane(name)
    for key, value in list(pane.metadata.items())[:20] if pane else ():
        told = scrub(value, limit=120) if isinstance(value, str) else value
        yield Named(id=f"specialist/{scrub(name, limit=60)}/{scrub(key, limit=60)}", value=told)


def _of(about: str, measure: str, **fields: Any) -> Named:
    return Named(about=about, kind="model", measure=measure, **fields)


def _named(
    group: str, name: str, measure: str, fact: Fact[int] | Fact[float], unit: str, divide: float = 1.0
) -> Named:
    identifier = f"{group}/{name}/{measure}"
    if fact.value is None:
        return _of(name, measure, id=identifier, value=None, note="not known")
    value = fact.value / divide if divide != 1.0 else fact.value
    value = int(value) if float(value).is_integer() else round(float(value), 2)
    guess = "a guess" * fact.guess
    return _of(name, measure, id=identifier, value=value, unit=unit, source=str(fact.source), note=guess)
