"""Whether a model's numbers run on a GPU: weights, activations and KV cache.

Three answers and an honest fourth: native, works with a cost, unsupported, unknown. What the checkpoint
declares beats what the name says. An unsupported answer forces NO-GO.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.hardware.vendors import Hardware, hardware
from modelcar_tui.models.config import Reader, architecture_of, text_config
from modelcar_tui.models.declared import Declared, declared, is_moe
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.scheme_table import by_id
from modelcar_tui.vllm.dtypes import BFLOAT16, dtype_refused
from modelcar_tui.vllm.kv_cache import check_kv_cache
from modelcar_tui.vllm.nearest import nearest
from modelcar_tui.vllm.profile import profile_for
from modelcar_tui.vllm.quantization import runs, sparse_attention_refused
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.release import Version, parse_version
from modelcar_tui.vllm.support import WORST_FIRST, Compatibility, Support


def check(
    model: ModelFacts,
    *,
    vendor: str,
    compute_capability: str | None,
    product: str,
    vllm: str | None,
    kv_cache_dtype: str = "auto",
    dtype: str = "auto",
    catalog_reference: str = "",
    quantization: str | None = None,
) -> tuple[Compatibility, ...]:
    """How the model's quantization, dtype and KV-cache dtype run on one kind of accelerator.

    Args:
        model: what the model's own files say; the name's hint is used only where they say nothing.
        vendor: one of `hardware.vendors.vendors()`.
        compute_capability: `9.0`, or the gfx name on AMD; None when it is not known.
        product: the accelerator's name, for the sentences.
        vllm: the runtime's release; None answers for the releases that are shipped today, and is UNKNOWN
            where they differ about "unsupported".
        kv_cache_dtype: value of `--kv-cache-dtype`.
        dtype: value of `--dtype`.
        catalog_reference: the image reference or name, to read a hint from and to name the nearest variant.
        quantization: value of `--quantization`; it decides for an unquantized checkpoint, which is quantized
            then while it is loaded.

    Returns:
        One answer for each scheme of the checkpoint, then one for the dtype and one for the KV cache where
        there
        is something to say. The first is always about the weights.
    """
    gpu = hardware(vendor, product, compute_capability)
    version = parse_version(vllm)
    found = declared(model, dtype=dtype, reference=catalog_reference, online=quantization)
    answers = [*_weights(model, found, gpu, version, catalog_reference)]
    answers += _dtype(model, gpu, dtype, profile_for(vllm).release)
    answers += check_kv_cache(model, gpu, version, kv_cache_dtype)
    answers += _attention(model, gpu)
    return tuple(answers)


def worst(answers: tuple[Compatibility, ...]) -> Compatibility | None:
    """The answer that decides: unsupported before unknown before a cost."""
    return min(answers, key=lambda answer: WORST_FIRST.index(answer.support), default=None)


def _weights(
    model: ModelFacts, found: Declared, gpu: Hardware, version: Version | None, reference: str
) -> Iterator[Compatibility]:
    if not found.schemes:
        what = (
            f"the checkpoint says {found.label}" if found.label else "nothing says how the weights are stored"
        )
        yield Compatibility(
            support=Support.UNKNOWN,
            quantization=found.label or "unknown",
            gpu=gpu.label,
            why=f"{what}; config.json of the image would settle it",
        )
        return
    moe = is_moe(model.config)
    for identifier in found.schemes:
        title = by_id()[identifier].title
        support, why = runs(identifier, gpu, version, moe=moe)
        told = f"{title} ({found.source.value}): {why}"
        if found.source.is_guess:
            told = f"{title}, as the {found.source.value} hints: {why}"
        if found.disagrees:
            told += f"; the name hints at {by_id()[found.disagrees].title}, the checkpoint wins"
        variant = ""
        if support is Support.UNSUPPORTED:
            variant = nearest(reference, identifier, lambda other: runs(other, gpu, version, moe=moe)[0])
        yield Compatibility(
            support=support,
            quantization=title,
            gpu=gpu.label,
            why=told,
            source=_source(version),
            nearest=variant,
        )


def _source(version: Version | None) -> str:
    table = quantization_table()
    newest = table.versions[-1]
    read = f"vLLM {table.versions[0]} to {newest}, read from the source distributions"
    if version is None:
        return f"{read}; version not known, {newest} assumed"
    if version > (parse_version(newest) or ()):
        return f"{read}; the runtime is newer than the table"
    return read


def _dtype(model: ModelFacts, gpu: Hardware, dtype: str, release: tuple[int, ...]) -> Iterator[Compatibility]:
    text = Reader(text_config(model.config))
    kind = text.text("model_type").lower()
    stored_in_bf16 = text.text("torch_dtype", "dtype").removeprefix("torch.") in BFLOAT16
    why, _ = dtype_refused(dtype, gpu, kind, stored_in_bf16=stored_in_bf16, release=release)
    if why:
        yield Compatibility(
            support=Support.UNSUPPORTED,
            quantization=f"--dtype {dtype}",
            gpu=gpu.label,
            why=why,
            source="vLLM, dtype check (config/model.py)",
        )


def _attention(model: ModelFacts, gpu: Hardware) -> Iterator[Compatibility]:
    why = sparse_attention_refused(architecture_of(model.config), gpu)
    if why:
        yield Compatibility(
            support=Support.UNSUPPORTED,
            quantization="sparse MLA attention",
            gpu=gpu.label,
            why=why,
            source="vLLM 0.33.0 attention backends",
        )
