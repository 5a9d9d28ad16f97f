"""Lint of a manifest: what vLLM, the serving runtime and the QA suite would make of it.

Pure: no cluster, no network. Each finding has its place, a code, a severity, one sentence and a fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from modelcar_tui.advice.finding import Finding, Severity
from modelcar_tui.advice.lint.amounts import lint_amounts
from modelcar_tui.advice.lint.arguments import lint_arguments
from modelcar_tui.advice.lint.by_the_way import lint_by_the_way
from modelcar_tui.advice.lint.combinations import lint_combinations, lint_output_type
from modelcar_tui.advice.lint.formats import CODES
from modelcar_tui.advice.lint.numbers import lint_numbers
from modelcar_tui.advice.lint.remarks import NOTE, WARNING, Remarks
from modelcar_tui.advice.lint.security import lint_security
from modelcar_tui.advice.lint.shared_memory import lint_shared_memory
from modelcar_tui.advice.lint.style import folded, is_style
from modelcar_tui.advice.lint.switched_off import is_off, mistaken, said
from modelcar_tui.advice.lint.template import lint_template
from modelcar_tui.core.errors import Problem
from modelcar_tui.hardware import Gpu
from modelcar_tui.manifest import (
    MODEL_CAR,
    ArgumentsFrom,
    Ignore,
    Manifest,
    ModelCar,
    Position,
    ServingArguments,
)
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm import release_of_server
from modelcar_tui.vllm.arguments import (
    Argument,
    Judge,
    parse_arguments,
    settles_variables,
    variable_in_words,
    with_environment,
)

_PLACE = re.compile(r":(\d+):(\d+)$")
_SERVED_BY_A_RUNTIME = (MODEL_CAR, "InferenceService")
"""Kinds whose arguments KServe puts behind those of a ServingRuntime."""
_SUITE_HOSTS = ("quay.io", "registry.redhat.io", "registry.stage.redhat.io")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The findings on one manifest."""

    findings: tuple[Finding, ...]
    off: tuple[Finding, ...] = ()
    """Those that a comment or an option switches off, each once."""


def examine(
    manifest: Manifest,
    *,
    vllm: str | None,
    runtime_args: tuple[str, ...] = (),
    facts: Mapping[str, ModelFacts] | None = None,
    each: bool = False,
    ignore: Iterable[str] = (),
) -> Told:
    """Every remark on a manifest, in the file's order, each said once, matters of style in one.

    Args:
        manifest: as it was read; its own warnings are among the findings.
        vllm: the release that judges; None takes the one that a model's own image or runtime names, else
            the newest in the table.
        runtime_args: what the template passes to a model that names no runtime of its own.
        facts: what is known of each model's own files, by model name.
        each: whether matters of style are told one by one.
        ignore: codes that are not to be told, besides those that the manifest's comments name.
    """
    findings = [of_problem(problem) for problem in manifest.findings]
    for car in manifest.models:
        server = car.server
        findings += lint_model(
            car,
            vllm=vllm or release_of_server(server),
            runtime_args=server.args if server else runtime_args,
            environment=dict(server.environment) if server else {},
            facts=(facts or {}).get(car.name),
        )
    return findings_told(findings, manifest.models, manifest.ignores, each=each, ignore=ignore)


def findings_told(
    findings: Iterable[Finding],
    models: Iterable[ModelCar],
    ignores: tuple[Ignore, ...],
    *,
    each: bool = False,
    ignore: Iterable[str] = (),
) -> Told:
    """What is told of the findings on a manifest: in the file's order, each once, matters of style in one.

    Args:
        findings: with their places in the manifest.
        models: of the manifest.
        ignores: what its comments say.
        each: whether matters of style are told one by one.
        ignore: codes that are not to be told, besides those that the manifest's comments name.
    """
    cars = {car.name: car for car in models}
    on: list[Finding] = []
    off: list[Finding] = []
    for finding in sorted(findings, key=_place):
        silent = is_off(finding, cars.get(finding.model), ignores, ignore)
        (off if silent else on).append(finding)
    off = list(_unique(off))
    on += [*said(off), *mistaken(ignores, CODES)]
    style = [] if each else [finding for finding in on if is_style(finding)]
    others = _unique(finding for finding in on if each or not is_style(finding))
    count = len({finding.model for finding in style})
    shown = sorted((*others, *folded(tuple(_unique(style)), count)), key=_place)
    return Told(findings=tuple(shown), off=tuple(off))


def lint_model(
    car: ModelCar,
    *,
    vllm: str | None,
    runtime_args: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    facts: ModelFacts | None = None,
    gpu: Gpu | None = None,
) -> list[Finding]:
    """The remarks on one model of a manifest; `gpu` where a kind of GPU is known."""
    judge = Judge.of(vllm)
    remarks = Remarks(car, judge)
    config = facts.config if facts else None
    whole = whole_arguments(car.serving, environment or {}, vllm)
    arguments = tuple(argument for argument in whole if argument.index >= 0)
    lint_arguments(whole, judge.release, remarks)
    _variables(parse_arguments(car.serving.args, vllm), arguments, remarks)
    lint_combinations(whole, facts, remarks, vllm, gpu)
    lint_by_the_way(whole, facts, vllm, remarks)
    lint_numbers(whole, facts, vllm, remarks)
    lint_security(arguments, config, remarks)
    lint_shared_memory(whole, remarks)
    lint_amounts(remarks)
    if car.kind in _SERVED_BY_A_RUNTIME:
        lint_template(arguments, parse_arguments(runtime_args, vllm), remarks)
    if car.kind == MODEL_CAR:
        lint_output_type(config, remarks)
        _suite(car, remarks)
    return remarks.findings


def whole_arguments(
    serving: ServingArguments, environment: Mapping[str, str], vllm: str | None
) -> tuple[Argument, ...]:
    """All arguments as vLLM gets them: the model's own with their indices, those that the runtime passes
    before them with negative ones."""
    before = len(serving.before)
    found = parse_arguments(with_environment(serving.whole, environment), vllm)
    return tuple(msgspec.structs.replace(argument, index=argument.index - before) for argument in found)


def _variables(written: tuple[Argument, ...], known: tuple[Argument, ...], remarks: Remarks) -> None:
    """What Kubernetes puts in: its value where the runtime says it, else that it is not known here."""
    now = {argument.index: argument for argument in known}
    for argument in written:
        if not argument.unknown or argument.secret:
            continue
        put = now.get(argument.index)
        if put is None or put.unknown:
            remarks.on(
                argument, "variable", NOTE, variable_in_words(argument), settles_variables((argument,))
            )
        else:
            item = argument.value or argument.written
            what = f"{item} is {put.value or put.written}: the serving runtime's environment says so"
            remarks.on(argument, "variable", NOTE, what)


def _suite(car: ModelCar, remarks: Remarks) -> None:
    if car.serving.origin is ArgumentsFrom.ITEM and car.serving.args and car.serving.gpu_count_at is None:
        size = [
            item for item in car.serving.args if re.match(r"(--tensor[-_]parallel[-_]size|-tp)(=|$)", item)
        ]
        if size:
            remarks.add(
                "gpu-count-missing",
                WARNING,
                "args without gpu_count: the QA suite takes 1 GPU (the default block is never merged) and "
                "replaces the tensor parallel size by 1",
                "add gpu_count",
            )
    host = re.sub(r"^[a-z+]+://", "", car.image).partition("/")[0]
    if "." in host and host not in _SUITE_HOSTS:
        remarks.add(
            "suite-registry",
            NOTE,
            f"the QA suite has no pull secret option for {host}",
            "mirror the image to quay.io or registry.redhat.io for QA",
            at=car.image_at,
        )


def of_problem(problem: Problem, severity: Severity = Severity.WARNING) -> Finding:
    """A remark of the manifest's reader as a finding."""
    match = _PLACE.search(problem.where)
    at = Position(int(match[1]), int(match[2])) if match else None
    return Finding(
        code=problem.code or "manifest",
        severity=severity,
        model="",
        what=problem.what,
        fix=problem.fix,
        at=at,
    )


def _place(finding: Finding) -> tuple[Any, ...]:
    at = finding.at
    return (at.line, at.column) if at else (0, 0)


def _unique(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Models that share the default block share its findings: each is said once, for all of them."""
    shared: dict[tuple[Any, ...], list[Finding]] = {}
    for finding in findings:
        shared.setdefault((finding.code, finding.at, finding.what), []).append(finding)
    for same in shared.values():
        models = {finding.model for finding in same}
        yield msgspec.structs.replace(same[0], others=len(models) - 1)
