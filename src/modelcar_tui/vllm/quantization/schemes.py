"""Which quantization runs where: the one judge that the estimate, lint, the solver and the verdict ask.

The order of the checks is vLLM's own: what the image was compiled for, the platform's list of methods, the
minimum capability of the method's class (config/vllm.py _get_quantization_config), the scheme's capability
(compressed_tensors.py _check_scheme_supported), the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from modelcar_tui.hardware import Hardware
from modelcar_tui.models.quantization import schemes_by_id
from modelcar_tui.vllm.quantization.experts import NO_EXPERTS, ExpertLayers
from modelcar_tui.vllm.quantization.method import OLDEST_GUESS
from modelcar_tui.vllm.quantization.support import WORST_FIRST, Support
from modelcar_tui.vllm.quantization_table import Cell, QuantizationTable, Rule, quantization_table
from modelcar_tui.vllm.readings import answering_release
from modelcar_tui.vllm.release import Version, newer_than, parse_version, reached
from modelcar_tui.vllm.value_table import capability_table

SupportAnswer = tuple[Support, str]
_WORDS = {
    "native": Support.NATIVE,
    "cost": Support.AT_A_COST,
    "no": Support.UNSUPPORTED,
    "unknown": Support.UNKNOWN,
}
_PLAIN = ("fp16", "bf16", "fp32")
_MOVED = ("tpu",)
"""Platforms that went to a repository of their own: vLLM's list says nothing of later releases."""
_LEAST = "min_capability"
_SPARSE = 90
"""Compute capability x 10 from which NVIDIA GPUs have a kernel for sparse MLA."""


def schemes_refused(
    schemes: Iterable[str], gpu: Hardware, version: Version | None, *, experts: ExpertLayers = NO_EXPERTS
) -> str:
    """Why vLLM refuses a checkpoint of these schemes on `gpu`; empty where nothing says that it does."""
    for identifier in schemes:
        support, why = runs(identifier, gpu, version, experts=experts)
        if support is Support.UNSUPPORTED:
            row = schemes_by_id().get(identifier)
            return f"{row.title if row else identifier}: {why}"
    return ""


def unbuilt_for(gpu: Hardware, version: Version | None) -> str:
    """Why the released images hold no code for `gpu` at all; empty where they do, or nothing says so."""
    support, why = runs(_PLAIN[0], gpu, version)
    return why if support is Support.UNSUPPORTED else ""


def sparse_attention_refused(arch: str, gpu: Hardware) -> str:
    """Why `gpu` can't run the architecture's sparse attention; empty where nothing says so."""
    if arch not in quantization_table().sparse_mla or gpu.column != "nvidia" or gpu.capability >= _SPARSE:
        return ""
    return f"{arch} needs a sparse attention kernel, which starts at Hopper (9.0)"


@lru_cache(maxsize=1024)
def runs(
    identifier: str, gpu: Hardware, version: Version | None, *, experts: ExpertLayers = NO_EXPERTS
) -> SupportAnswer:
    """How a scheme runs on `gpu`, unknown where the releases that are shipped today differ about a refusal.

    Args:
        identifier: id in `models/quantization/schemes.json`.
        version: the runtime's release; None when it is not known.
        experts: what the model has of them.
    """
    newest = judge(identifier, gpu, version, experts=experts)
    if version is not None or not gpu.known:
        return newest
    oldest = judge(identifier, gpu, OLDEST_GUESS, experts=experts)
    if (newest[0] is Support.UNSUPPORTED) != (oldest[0] is Support.UNSUPPORTED):
        return Support.UNKNOWN, (
            f"vLLM's version decides it ({newest[0].value} in {quantization_table().versions[-1]}, "
            f"{oldest[0].value} in 0.11.2) and the runtime image's version is not known"
        )
    return newest


def judge(
    identifier: str, gpu: Hardware, version: Version | None, *, experts: ExpertLayers = NO_EXPERTS
) -> SupportAnswer:
    """How a scheme runs on `gpu` with vLLM `version` (None: the newest release in the table)."""
    table = quantization_table()
    rule = table.rule(identifier)
    if rule is None:
        return Support.UNKNOWN, "not in the table"
    if not gpu.known:
        return Support.UNKNOWN, f"no compute capability or generation is known for {gpu.label}"
    release = answering_release(version, _releases())
    missing = _missing(rule, release)
    if missing:
        return Support.UNSUPPORTED, missing
    if gpu.column != "nvidia":
        listed = _platform(rule, gpu, version, table)
        answers = [listed if listed[0] is not Support.NATIVE else _cell(rule, gpu, version)]
    else:
        answers = [_nvidia(rule, gpu, release), _built(gpu, release, table)]
    if experts.fused:
        answers += _experts(rule, gpu, version, odd=experts.odd)
    return min(answers, key=lambda answer: WORST_FIRST.index(answer[0]))


@cache
def _releases() -> tuple[str, ...]:
    """Those for which the rows written by hand hold, and newer ones of which vLLM's own classes were read."""
    ours = quantization_table().versions
    return (*ours, *(release for release in capability_table().read if newer_than(release, ours)))


def minimum_capability(classes: tuple[str, ...], release: str) -> int | None:
    """The lowest minimum of several vLLM classes in a read release; None when none of them exists there."""
    values = [capability_table().value(_LEAST, name, release) for name in classes]
    return min((value for value in values if value is not None), default=None)


def _missing(rule: Rule, release: str) -> str:
    for classes in rule.classes:
        if minimum_capability(classes, release) is None:
            histories = [capability_table().history(_LEAST, name) for name in classes]
            known = [history[0][0] for history in histories if history]
            first = min(known, key=lambda text: parse_version(text) or (), default="")
            gone = first and reached(first, release)
            when = f"{release} no longer has it" if gone else f"has it from {first} on, not in {release}"
            return f"vLLM {when}{'; ' + rule.note if rule.note else ''}"
    return ""


def _nvidia(rule: Rule, gpu: Hardware, release: str) -> SupportAnswer:
    for classes in rule.classes:
        least = minimum_capability(classes, release)
        if least is not None and gpu.capability < least:
            return Support.UNSUPPORTED, (
                f"vLLM {release} wants compute capability {least // 10}.{least % 10} for it "
                f"and the GPU has {gpu.capability // 10}.{gpu.capability % 10}"
            )
    if rule.no_from and gpu.capability >= rule.no_from:
        return Support.UNSUPPORTED, rule.no_why
    if any(low <= gpu.capability <= high for low, high in rule.native):
        return Support.NATIVE, f"vLLM {release} has a kernel for it"
    if rule.cost:
        return Support.AT_A_COST, rule.cost
    return Support.UNKNOWN, "the table has no word on this GPU"


def _experts(rule: Rule, gpu: Hardware, version: Version | None, *, odd: bool) -> Iterator[SupportAnswer]:
    """What experts make of it, where they are judged otherwise than the other layers."""
    for row in rule.experts:
        here = gpu.column in row.columns or (
            gpu.column == "nvidia" and not row.columns and row.on[0] <= gpu.capability <= row.on[1]
        )
        if not here or (row.marlin and odd):
            continue
        word, why = _at(row.history, version)
        if word != "dense":
            yield _WORDS[word], f"mixture of experts: {why}"


def _at(history: tuple[Cell, ...], version: Version | None) -> tuple[str, str]:
    """What holds for this very release; the newest for None."""
    word, why = "", ""
    for since, support, note in history:
        if version is None or (parse_version(since) or ()) <= version:
            word, why = support, note
    return word, why


def _built(gpu: Hardware, release: str, table: QuantizationTable) -> SupportAnswer:
    """Whether the released images hold code for an NVIDIA GPU; native where they do."""
    for build in table.builds:
        if build.capabilities[0] <= gpu.capability <= build.capabilities[1]:
            word, why = _at(build.history, parse_version(release))
            return _WORDS[word or "native"], f"{why} ({build.source})"
    return Support.NATIVE, ""


def _platform(rule: Rule, gpu: Hardware, version: Version | None, table: QuantizationTable) -> SupportAnswer:
    lists = table.platforms.get(gpu.platform)
    if not lists or rule.id in _PLAIN:
        return Support.NATIVE, ""
    wanted = version or parse_version(table.versions[-1]) or ()
    if gpu.platform in _MOVED and wanted > (parse_version(lists[-1][0]) or ()):
        return Support.NATIVE, ""
    said = {not set(rule.methods).isdisjoint(names) for names in _around(lists, wanted)}
    if said == {True}:
        return Support.NATIVE, ""
    if said == {False}:
        return Support.UNSUPPORTED, f"vLLM's {gpu.platform} platform does not list {rule.methods[0]}"
    first, last = lists[0][0], lists[-1][0]
    return Support.UNKNOWN, f"vLLM's {gpu.platform} platform changed its list between {first} and {last}"


def _around(lists: tuple[tuple[str, tuple[str, ...]], ...], wanted: Version) -> list[tuple[str, ...]]:
    """What the last release read up to the wanted one lists, and the first from it on."""
    read = [(parse_version(since) or (), names) for since, names in lists]
    older = [names for since, names in read if since <= wanted]
    newer = [names for since, names in read if since >= wanted]
    return older[-1:] + newer[:1]


def _cell(rule: Rule, gpu: Hardware, version: Version | None) -> SupportAnswer:
    cells = rule.others.get(gpu.column)
    if not cells:
        return Support.UNKNOWN, "the table has no word on this accelerator"
    word, why = _at(cells, version)
    fallback = {"native": "it has a kernel there", "no": f"it has no kernel on {gpu.column}"}
    return _WORDS[word or "unknown"], why or fallback.get(word, "")
