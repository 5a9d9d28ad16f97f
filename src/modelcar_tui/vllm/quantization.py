"""One scheme on one accelerator with one vLLM release: the table's answer and its reason.

The order of the checks is vLLM's own: the platform's list of methods, the minimum capability of the method's
class, the scheme's capability, the kernel.
"""

from __future__ import annotations

from modelcar_tui.hardware.vendors import Hardware
from modelcar_tui.vllm.quantization_table import QuantizationTable, Scheme, quantization_table
from modelcar_tui.vllm.release import Version, at, parse_version, stand_in
from modelcar_tui.vllm.support import Support

Answer = tuple[Support, str]
_WORDS = {
    "native": Support.NATIVE,
    "cost": Support.AT_A_COST,
    "no": Support.UNSUPPORTED,
    "unknown": Support.UNKNOWN,
}
_PLAIN = ("fp16", "bf16", "fp32")
_MOVED = ("tpu",)
"""Platforms that went to a repository of their own: vLLM's list says nothing of later releases."""


def judge(scheme: Scheme, gpu: Hardware, version: Version | None, *, moe: bool = False) -> Answer:
    """How `scheme` runs on `gpu` with vLLM `version` (None: the newest release in the table)."""
    table = quantization_table()
    if not gpu.known:
        return Support.UNKNOWN, f"no compute capability or generation is known for {gpu.label}"
    release = stand_in(version, table.versions)
    missing = _missing(scheme, release, table)
    if missing:
        return Support.UNSUPPORTED, missing
    if gpu.column != "nvidia":
        listed = _platform(scheme, gpu, version, table)
        return listed if listed[0] is not Support.NATIVE else _cell(scheme, gpu, version)
    volta = _volta(gpu, version, table)
    return volta if volta else _nvidia(scheme, gpu, version, release, moe=moe)


def minimum_capability(classes: tuple[str, ...], release: str) -> int | None:
    """The lowest minimum of several vLLM classes in a read release; None when none of them exists there."""
    table = quantization_table()
    values = [at(table.min_capability.get(name, ()), release, None) for name in classes]
    return min((value for value in values if value is not None), default=None)


def _missing(scheme: Scheme, release: str, table: QuantizationTable) -> str:
    for classes in scheme.classes:
        if minimum_capability(classes, release) is None:
            known = [table.min_capability[name][0][0] for name in classes if name in table.min_capability]
            first = min(known, key=lambda text: parse_version(text) or (), default="")
            gone = first and (parse_version(first) or ()) <= (parse_version(release) or ())
            when = (
                f"vLLM {release} no longer has it"
                if gone
                else f"vLLM has it from {first} on, not in {release}"
            )
            return f"{when}{'; ' + scheme.note if scheme.note else ''}"
    return ""


def _nvidia(scheme: Scheme, gpu: Hardware, version: Version | None, release: str, *, moe: bool) -> Answer:
    for classes in scheme.classes:
        least = minimum_capability(classes, release)
        if least is not None and gpu.capability < least:
            return Support.UNSUPPORTED, (
                f"vLLM {release} wants compute capability {least // 10}.{least % 10} for it "
                f"and the GPU has {gpu.capability // 10}.{gpu.capability % 10}"
            )
    if scheme.no_from and gpu.capability >= scheme.no_from:
        return Support.UNSUPPORTED, scheme.no_why
    if moe and scheme.moe_since and gpu.capability >= scheme.moe_since[0] and version is not None:
        since = parse_version(scheme.moe_since[1]) or ()
        if version < since:
            return (
                Support.UNSUPPORTED,
                f"mixture-of-experts layers need vLLM {scheme.moe_since[1]} on this GPU",
            )
    if any(low <= gpu.capability <= high for low, high in scheme.native):
        return Support.NATIVE, f"vLLM {release} has a kernel for it"
    if scheme.cost:
        return Support.AT_A_COST, scheme.cost
    return Support.UNKNOWN, "the table has no word on this GPU"


def _volta(gpu: Hardware, version: Version | None, table: QuantizationTable) -> Answer | None:
    if gpu.capability >= 75:
        return None
    if gpu.capability < 70:
        return Support.UNSUPPORTED, "vLLM has never run below compute capability 7.0"
    rule = table.volta
    if version is None or version >= (parse_version(rule.no_since) or ()):
        return Support.UNSUPPORTED, f"released images are no longer compiled for Volta ({rule.source})"
    if version >= (parse_version(rule.unsure_since) or ()):
        return Support.UNKNOWN, f"it depends on how the image was compiled ({rule.source})"
    return None


def _platform(scheme: Scheme, gpu: Hardware, version: Version | None, table: QuantizationTable) -> Answer:
    lists = table.platforms.get(gpu.platform)
    if not lists or scheme.id in _PLAIN:
        return Support.NATIVE, ""
    wanted = version or parse_version(table.versions[-1]) or ()
    if gpu.platform in _MOVED and wanted > (parse_version(lists[-1][0]) or ()):
        return Support.NATIVE, ""
    older = [names for since, names in lists if (parse_version(since) or ()) <= wanted]
    newer = [names for since, names in lists if (parse_version(since) or ()) >= wanted]
    around = ([older[-1]] if older else []) + newer[:1]
    said = {any(method in names for method in scheme.methods) for names in around}
    if said == {True}:
        return Support.NATIVE, ""
    if said == {False}:
        return Support.UNSUPPORTED, f"vLLM's {gpu.platform} platform does not list {scheme.methods[0]}"
    first, last = lists[0][0], lists[-1][0]
    return Support.UNKNOWN, f"vLLM's {gpu.platform} platform changed its list between {first} and {last}"


def _cell(scheme: Scheme, gpu: Hardware, version: Version | None) -> Answer:
    cells = scheme.others.get(gpu.column)
    if not cells:
        return Support.UNKNOWN, "the table has no word on this accelerator"
    word, why = "unknown", ""
    for since, support, note in cells:
        if version is None or (parse_version(since) or ()) <= version:
            word, why = support, note
    fallback = {"native": "it has a kernel there", "no": f"it has no kernel on {gpu.column}"}
    return _WORDS[word], why or fallback.get(word, "")
