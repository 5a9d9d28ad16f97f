"""Estimates, lint and inventories as answers: each a pure face of what `modelcar_tui.api` gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from modelcar_tui import api
from modelcar_tui.advice import Finding
from modelcar_tui.cluster import accelerator_json
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.facts import Fact
from modelcar_tui.image import is_local
from modelcar_tui.mcp import inputs as i
from modelcar_tui.mcp import outputs as o
from modelcar_tui.mcp.allowed import DOCUMENTS, YAML, read_whole
from modelcar_tui.mcp.asking import Asking
from modelcar_tui.mcp.cleaning import lines
from modelcar_tui.memory import Outcome
from modelcar_tui.vllm import parse_version

_SUMS = ("nodes", "usable_nodes", "usable_units", "free")
MOST_ROWS = 200
"""Of one list in an answer; how many are left out is told."""
_FIGURES = {
    "weights_gib": "GiB",
    "activation_gib": "GiB",
    "non_torch_gib": "GiB",
    "cuda_graph_gib": "GiB",
    "kv_available_gib": "GiB",
    "kv_bytes_per_token": "B",
    "state_bytes": "B",
    "kv_tokens": "tokens",
    "max_concurrency": "requests of the full context at once",
    "longest_context": "tokens",
    "headroom_gib": "GiB",
    "requested_gib": "GiB",
    "required_gib": "GiB",
}
"""Fields of an estimate and the units that they have."""


def estimate(asking: Asking, given: i.EstimateInput) -> tuple[str, o.EstimateOutput]:
    """What vLLM would do; a text of a few lines, and all of it."""
    told = api.estimate(
        _source(asking, given.source),
        given.gpu,
        given.arguments,
        vllm=_release(given.vllm),
        authfile=asking.authfile,
        registries_conf=asking.registries_conf,
    )
    result = told.estimate
    unknown = result.why if result.outcome is Outcome.UNKNOWN else "not known"
    figures = {
        name: figure(getattr(result, name), unit, terms=given.terms, unknown=unknown)
        for name, unit in _FIGURES.items()
    }
    answer = o.EstimateOutput(
        source=told.source,
        gpu=o.Card(
            product=told.gpu.product,
            vendor=told.gpu.vendor,
            count=told.gpu.count,
            memory=figure(told.gpu.memory_gib, "GiB", terms=False),
        ),
        vllm=result.vllm,
        starts=told.starts,
        outcome=result.outcome.value,
        why=result.why,
        would_say=result.error or None,
        figures=figures,
        smallest_tensor_parallel_size=told.smallest_tp,
        changes=[
            o.KnobOut(
                argument=knob.flag,
                outcome=knob.outcome.value,
                kv_tokens=knob.kv_tokens,
                gained_gib=knob.gained_gib,
                cost=knob.cost,
            )
            for knob in told.knobs[:MOST_ROWS]
        ],
        notes=[*told.notes, *result.notes],
    )
    head = f"{told.source} on {told.gpu.count} x {told.gpu.product}, vLLM {result.vllm}"
    return lines([head, f"{result.outcome.told}: {result.why}", *answer.notes[:20]]), answer


def figure(fact: Fact[Any], unit: str, *, terms: bool, unknown: str = "not known") -> o.Figure:
    """A fact as an answer has it; `unknown` says why it is not known where the fact doesn't."""
    return o.Figure(
        value=fact.value,
        unit=fact.unit or unit,
        source=fact.source.value,
        guess=fact.guess,
        low=fact.low,
        high=fact.high,
        why=fact.note or (None if fact.known else unknown),
        terms=[
            o.Term(label=one.label, value=one.value, unit=one.unit, source=one.source.value, note=one.note)
            for one in fact.terms[: MOST_ROWS * terms]
        ],
    )


def _release(given: str | None) -> str | None:
    """The vLLM release that was asked for; a word that is none would be answered by another's rules."""
    if given is not None and parse_version(given) is None:
        what = f"{given!r} is no release of vLLM"
        raise UserError(Problem(where="vllm", what=what, fix="write it as 0.11.0, or leave it out"))
    return given


def _source(asking: Asking, source: str) -> str:
    """What is to be read: a path only where the operator allows it."""
    allowed = asking.allowed
    try:
        # No image's name has `..`; whether something lies there must not be told by what becomes of it.
        local = ".." in source.split("/") or is_local(source) or (allowed.roots[0] / source).exists()
    except (OSError, ValueError):
        local = True
    if local:
        return str(allowed.model(source))
    if not api.is_public_name(source):
        asking.may_ask("a registry")
    return source


def lint(asking: Asking, given: i.LintInput) -> tuple[str, o.LintOutput]:
    """The findings on a manifest.

    Raises:
        UserError: neither or both of path and text; the path is not allowed.
    """
    if (given.path is None) == (given.text is None):
        raise UserError(Problem(what="lint takes a path or a text, one of them", fix="give one"))
    if given.path is None:
        label, data = "manifest.yaml", (given.text or "").encode(errors="replace")
    else:
        path = asking.allowed.file(given.path, YAML)
        label, data = str(path), read_whole(path, i.MOST_TEXT)
    told = api.lint(data, label=label, vllm=_release(given.vllm), each=given.style)
    answer = o.LintOutput(
        manifest=label,
        ok=told.ok,
        vllm=told.release,
        judge=told.judge.replace("--vllm VERSION", "`vllm`") or None,
        findings=[_finding(finding) for finding in told.findings[:MOST_ROWS]],
        switched_off=len(told.off),
        left_out=max(0, len(told.findings) - MOST_ROWS),
    )
    word = "no error" if told.ok else "errors"
    head = f"{label}: {several(len(told.findings), 'finding')}, {word} (vLLM {told.release})"
    found = [f"{one.severity} {_place(one)}{one.code}: {one.what}" for one in answer.findings[:20]]
    return lines([head, *filter(None, [answer.judge]), *found]), answer


def _finding(finding: Finding) -> o.FindingOut:
    return o.FindingOut(
        code=finding.code,
        severity=finding.severity.value,
        model=finding.model,
        what=finding.what,
        fix=finding.fix or None,
        line=finding.at.line if finding.at else None,
        column=finding.at.column if finding.at else None,
        stops=finding.stops.value or None,
        also_models=finding.others,
    )


def _place(finding: o.FindingOut) -> str:
    return f"{finding.line}:{finding.column} " if finding.line is not None else ""


def inventory(asking: Asking, given: i.InventoryInput) -> tuple[str, o.InventoryOutput]:
    """The accelerators that are stated, of a file, or of the operator's cluster."""
    file = None if given.path is None else str(asking.allowed.file(given.path, DOCUMENTS))
    stated = bool(given.gpus or file)
    if not stated:
        asking.may_ask("a cluster")
    report = api.inventory(
        given.gpus,
        file=file,
        # Of what is stated nothing is to be asked of a cluster, not even its runtime.
        kubeconfig="/dev/null" if stated else asking.kubeconfig,
        context=None if stated else asking.context,
        namespace=asking.namespace,
        timeout_s=given.timeout_seconds,
    )
    told = msgspec.json.decode(accelerator_json(report))
    access, seen, sums, runtime = told["access"], told["inventory"], told["totals"], told["runtime"] or {}
    runtime_problem = None if stated else told["runtime_problem"]
    problems = [*filter(None, (access["problem"], runtime_problem)), *access["missing"], *seen["problems"]]
    answer = o.InventoryOutput(
        known=seen["known"],
        origin=seen["origin"],
        partial=seen["partial"],
        access=access["state"],
        server=access["server"] or None,
        stated=stated,
        **{name: sums[name] if seen["known"] else None for name in _SUMS},
        kinds=[_kind(row) for row in told["kinds"][:MOST_ROWS]],
        runtime_image=runtime.get("image"),
        vllm=runtime.get("version"),
        problems=list(dict.fromkeys(problems))[:MOST_ROWS],
        checks=[f"{one['state']}: {one['what']}" for one in told["checks"][:MOST_ROWS]],
        left_out=max(0, len(told["kinds"]) - MOST_ROWS),
    )
    return lines(_inventory_lines(answer)), answer


def _kind(row: dict[str, Any]) -> o.Kind:
    same = ("vendor", "product", "resource", "how", "cards", "nodes", "units", "free", "usable", "why")
    return o.Kind(
        **{name: row[name] for name in same},
        memory_mib=row["mem_mib"],
        memory_source=row["mem_from"],
        memory_guarantee=row["mem_guarantee"],
    )


def _inventory_lines(answer: o.InventoryOutput) -> Sequence[str]:
    if not answer.known:
        return ["GPUs unknown: the cluster could not be looked at", *answer.problems[:5]]
    whose = f"as stated ({answer.origin}), no cluster was asked" if answer.stated else f"of {answer.server}"
    part = ", not all could be seen" if answer.partial else ""
    told = [
        f"{several(answer.nodes or 0, 'node')} with accelerators, {answer.usable_nodes} usable, {whose}{part}"
    ]
    for kind in answer.kinds[:20]:
        free = "unknown" if kind.free is None else kind.free
        memory = "memory unknown" if kind.memory_mib is None else f"{kind.memory_mib} MiB each"
        bar = "" if kind.usable else f", not usable: {kind.why or 'not known why'}"
        told.append(f"{kind.product or kind.vendor}: {free} of {kind.units} free, {memory}, {kind.how}{bar}")
    return [*told, *answer.problems[:5]]
