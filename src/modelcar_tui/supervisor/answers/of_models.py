"""Facts of models: what each is, what it needs, how it is served, and the verdict on it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import msgspec

from modelcar_tui.cluster import pull_seconds
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.facts import GIB, Fact
from modelcar_tui.manifest import ModelCar
from modelcar_tui.memory import Estimate, Outcome
from modelcar_tui.models import MeasuredStart
from modelcar_tui.supervisor.answers.fact import RunFact, Scalar, measured, of_model
from modelcar_tui.supervisor.answers.question import TUNABLE
from modelcar_tui.verdict import (
    ModelOutcome,
    ModelRequirements,
    ModelVerdict,
    OnKind,
    kind_words,
    not_clear,
    passed_words,
    runtime_words,
    source_words,
)
from modelcar_tui.vllm import implied_context
from modelcar_tui.vllm.arguments import Argument, parse_arguments, served_args

_SHARE = re.compile(r"0?\.\d{1,6}|1(?:\.0)?")


def model_facts(model: ModelRequirements, vllm: str | None, manifest: str) -> Iterator[RunFact]:
    """What one model is, and how `manifest` serves it: `manifest`, or `generated manifest`."""
    name, facts, serving = model.car.name, model.image.model, model.car.serving
    yield measured(name, "parameters", facts.parameters, "billion", 1e9)
    yield measured(name, "weights", facts.weight_bytes, "GiB", GIB)
    yield measured(name, "simple_need", model.required_vram_gib, "GiB", more={"gpus": serving.gpu_count})
    quantization = facts.quantization_name
    word = quantization.value or "none" if quantization.known else None
    yield of_model(name, "quantization", word, source=str(quantization.source), guess=quantization.guess)
    yield measured(name, "image_size", model.image.size_bytes, "GiB", GIB)
    yield _pull(name, model.image.size_bytes)
    yield of_model(name, "gpu_count", serving.gpu_count, "GPUs", source=manifest)
    engine = served_args(serving, vllm)
    context = engine.max_model_len or implied_context(facts.config, engine.overrides, vllm)
    given = {"given": engine.max_model_len is not None}
    yield of_model(name, "context", context if context and context > 0 else None, "tokens", more=given)
    for item in parse_arguments(serving.args, None):
        if item.written.startswith("-"):
            yield _argument(name, item, manifest)


def object_facts(car: ModelCar, cluster: AcceleratorReport | None) -> Iterator[RunFact]:
    """What a Kubernetes manifest says of one model beside its arguments; nothing of a model-car."""
    if car.server is None:
        return
    name = car.name
    yield of_model(name, "served_as", told=kind_words(car))
    yield of_model(name, "source", told=source_words(car))
    yield of_model(name, "server", told=runtime_words(car, cluster))
    more: dict[str, Scalar] = {"pods": car.pods}
    yield of_model(name, "replicas", car.copies, "replicas", more=more, source="manifest")
    if passed := passed_words(car, cluster):
        yield of_model(name, "passed", told=passed)
    for index, text in enumerate(not_clear(car, ""), 1):
        fact = of_model(name, "not_clear", told=text)
        yield msgspec.structs.replace(fact, id=f"model/{name}/not_clear/{index}")


def _pull(name: str, size: Fact[int]) -> RunFact:
    """Minutes until a cold image is on a node, the shortest and the longest to expect."""
    if size.value is None:
        return of_model(name, "pull", None, "minutes")
    low, high = (max(1, round(seconds / 60)) for seconds in pull_seconds(size.value))
    return of_model(name, "pull", high, "minutes", more={"from": low}, source="computed")


def _argument(name: str, item: Argument, manifest: str) -> RunFact:
    """An argument as it is given; its value only where it is a number or a word that a what-if may set."""
    value: Scalar = True
    text = item.value or ""
    if item.name in TUNABLE and re.fullmatch(r"[\w.]{1,20}", text):
        value = int(text) if text.isascii() and text.isdecimal() else text
        value = float(text) if _SHARE.fullmatch(text) and not isinstance(value, int) else value
    fact = of_model(name, "argument", value, source=manifest, flag=item.name)
    return msgspec.structs.replace(fact, id=f"model/{name}/{item.name}")


def verdict_facts(verdict: ModelVerdict, model: ModelRequirements, vllm: str | None) -> Iterator[RunFact]:
    """The figures behind the verdict on one model, with the arguments that were judged."""
    name, result = verdict.model, verdict.estimate
    needed = verdict.needed_gib if result is None or not result.required_gib.known else result.required_gib
    whole = result is not None and result.required_gib.known and result.weights_gib.known
    each = {"gpus": verdict.gpus, "gpu_gib": _rounded(verdict.gpu_gib), "kv": whole}
    yield msgspec.structs.replace(measured(name, "need", needed, "GiB", more=each), gpu=verdict.product)
    if verdict.product:
        yield msgspec.structs.replace(
            measured(name, "gpu_memory", verdict.gpu_gib, "GiB"), gpu=verdict.product
        )
    for cell in verdict.kinds:
        how = {"how": cell.state.value}
        identifier = f"model/{name}/on/{cell.kind}"
        fact = of_model(name, "on_kind", cell.gpus, "GPUs", gpu=cell.kind, more=how, told=cell.why)
        yield msgspec.structs.replace(fact, id=identifier)
    if verdict.kinds or verdict.runs_on:
        unsure = any(cell.state is OnKind.UNKNOWN for cell in verdict.kinds)
        yield of_model(
            name,
            "runs_on",
            len(verdict.runs_on),
            "kinds",
            told=", ".join(verdict.runs_on),
            more={"unsure": unsure},
        )
    for index, note in enumerate(verdict.warnings, 1):
        yield msgspec.structs.replace(of_model(name, "note", told=note), id=f"model/{name}/note/{index}")
    if result is not None and result.measured is not None:
        yield _measured_fact(name, result, result.measured)
    if result is not None:
        yield from _estimate_facts(name, verdict.product, result, model, vllm)


def _measured_fact(name: str, result: Estimate, start: MeasuredStart) -> RunFact:
    """The start of vLLM that the estimate rests on."""
    more: dict[str, Scalar] = {
        "exact": result.exact,
        "dummy": start.dummy,
        "gpus": start.gpus,
        "predicted": result.predicted.value if result.predicted is not None else None,
    }
    release = f"vLLM {start.vllm}" if start.vllm else "a vLLM whose release is not known"
    told = f"{release} on {time.strftime('%Y-%m-%d', time.gmtime(start.at))}"
    return of_model(name, "measured", start.outcome, gpu=start.gpu, source="measured", more=more, told=told)


def _estimate_facts(
    name: str, product: str, result: Estimate, model: ModelRequirements, vllm: str | None
) -> Iterator[RunFact]:
    yield measured(name, "weights_each", result.weights_gib, "GiB")
    yield measured(name, "budget", result.requested_gib, "GiB")
    left = result.kv_available_gib
    if left.value is not None and left.value <= 0:
        return  # what is left below nothing is no figure to tell: the verdict says what is short
    yield measured(name, "kv_cache", left, "GiB")
    if left.value is not None and result.requested_gib.value is not None:
        taken = round(result.requested_gib.value - left.value, 2)
        yield of_model(name, "taken", taken, "GiB", source="computed", guess=left.guess)
    engine = served_args(model.car.serving, vllm)
    starts: dict[str, Scalar] = {"starts": result.outcome is Outcome.STARTS}
    longest = measured(name, "longest_context", result.longest_context, "tokens", more=starts)
    yield msgspec.structs.replace(longest, gpu=product)
    yield measured(name, "kv_tokens", result.kv_tokens, "tokens")
    at_once = result.max_concurrency
    if at_once.value and left.value:
        one = round(left.value / at_once.value, 2)
        yield of_model(name, "kv_request", one, "GiB", source="computed", guess=left.guess or at_once.guess)
    yield measured(name, "concurrency", at_once, "requests", more={**starts, "most": engine.max_num_seqs})


def outcome_facts(outcome: ModelOutcome, verdict: ModelVerdict | None) -> Iterator[RunFact]:
    """The verdict that stands on a model, and what would help it."""
    how = verdict.estimate.outcome.value if verdict is not None and verdict.estimate is not None else ""
    yield of_model(
        outcome.model,
        "verdict",
        str(outcome.verdict),
        more={"estimate": how, "conditions": len(outcome.conditions)},
        gpu=verdict.product if verdict is not None else "",
        told=f"{outcome.headline}: {outcome.why}" if outcome.why else outcome.headline,
    )
    if helps := outcome.next.removeprefix(outcome.why).lstrip("; "):
        yield of_model(outcome.model, "help", told=helps)
    for index, condition in enumerate(outcome.conditions, 1):
        told = condition.text + (f"; {condition.settles}" if condition.settles else "")
        fact = of_model(outcome.model, "condition", condition.holds.value, told=told)
        yield msgspec.structs.replace(fact, id=f"model/{outcome.model}/condition/{index}")
    if outcome.measured:
        yield of_model(outcome.model, "tested", told=outcome.measured)


def copies_fact(model: ModelRequirements, verdict: ModelVerdict, count: int | None) -> RunFact:
    """How many servers of a model the free GPUs take that serve it, while nothing else is put there."""
    each = {"gpus": model.car.serving.gpu_count}
    refused = {OnKind.REFUSED, OnKind.FULL}
    if count is None and verdict.kinds and all(cell.state in refused for cell in verdict.kinds):
        count = 0
    return of_model(model.car.name, "copies", count, "copies", more=each, source="computed")


def _rounded(fact: Fact[float]) -> float | None:
    return None if fact.value is None else round(fact.value, 2)
