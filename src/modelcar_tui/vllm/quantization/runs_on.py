"""Whether a model's numbers run on a GPU: weights, activations and KV cache.

Three answers and an honest fourth: native, works with a cost, unsupported, unknown. What the checkpoint
declares beats what the name says. An unsupported answer forces NO-GO.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.text import clean
from modelcar_tui.hardware import Hardware, hardware
from modelcar_tui.models import ModelFacts, architecture_of, describe_model
from modelcar_tui.models.quantization import DeclaredScheme, declared_scheme, is_moe, schemes_by_id
from modelcar_tui.vllm.quantization.declaration import AskedQuantization
from modelcar_tui.vllm.quantization.experts import NO_EXPERTS, ExpertLayers, expert_layers
from modelcar_tui.vllm.quantization.kv_cache import check_kv_cache
from modelcar_tui.vllm.quantization.method import choose_method, quantization_flag_fault, refused_method
from modelcar_tui.vllm.quantization.nearest import nearest
from modelcar_tui.vllm.quantization.schemes import runs, sparse_attention_refused
from modelcar_tui.vllm.quantization.start_dtype import agreed_dtype_fault, dtype_fault
from modelcar_tui.vllm.quantization.support import Compatibility, Support
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.refused.attention import attention_backend_left
from modelcar_tui.vllm.release import Version, parse_version


def check_support(
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
    shards: int | None = None,
) -> tuple[Compatibility, ...]:
    """How the model's quantization, dtype and KV-cache dtype run on one kind of accelerator.

    Args:
        model: what the model's own files say; the name's hint is used only where they say nothing.
        vendor: one of `hardware.vendor.vendors()`.
        compute_capability: `9.0`, or the gfx name on AMD; None when it is not known.
        product: the accelerator's name, for the sentences.
        vllm: the runtime's release; None answers for the releases that are shipped today, and is UNKNOWN
            where they differ about "unsupported".
        kv_cache_dtype: value of `--kv-cache-dtype`.
        dtype: value of `--dtype`.
        catalog_reference: the image reference or name, to read a hint from and to name the nearest variant.
        quantization: value of `--quantization`; it decides for an unquantized checkpoint, which is quantized
            then while it is loaded.
        shards: GPUs that cut each expert: tensor times data parallel size, 1 with expert parallelism; None
            where that is not settled.

    Returns:
        One answer for each scheme of the checkpoint, then one for the dtype and one for the KV cache where
        there
        is something to say. The first is always about the weights.
    """
    gpu = hardware(vendor, product, compute_capability)
    version = parse_version(vllm)
    asked = AskedQuantization(facts=model, value=quantization, version=version, gpu=gpu)
    found = declared_scheme(model, dtype=dtype, reference=catalog_reference, online=quantization)
    weights = [*_weights(asked, found, _experts(asked, dtype, shards), catalog_reference)]
    answers = [*_method(asked, weights)] or weights
    answers += _dtype(asked, gpu, dtype)
    answers += [*check_kv_cache(model, gpu, version, kv_cache_dtype)] or _cache(asked, kv_cache_dtype, dtype)
    answers += _attention(model, gpu)
    return tuple(answers)


def _method(asked: AskedQuantization, weights: list[Compatibility]) -> Iterator[Compatibility]:
    """That vLLM refuses the method itself, which leaves nothing to ask of the weights."""
    why = quantization_flag_fault(asked)
    if not why and all(answer.support is not Support.UNSUPPORTED for answer in weights):
        why = choose_method(asked).why
    if not why:
        return
    support = Support.UNSUPPORTED
    if not refused_method(asked).why:
        support, why = Support.UNKNOWN, f"the runtime image's version is not known, which decides it: {why}"
    yield Compatibility(
        support=support,
        quantization=choose_method(asked).method,
        gpu=weights[0].gpu,
        why=why,
        source="vLLM, config/model.py and model_loader/weight_utils.py",
    )


def _experts(asked: AskedQuantization, dtype: str, shards: int | None) -> ExpertLayers:
    facts = asked.facts
    if facts is None or not is_moe(facts.config):
        return NO_EXPERTS
    model = describe_model(facts, quantization=asked.value, dtype=dtype, overrides=None)
    shape, scheme = (None, None) if isinstance(model, str) else (model.shape, model.scheme)
    arch, method = architecture_of(facts.config), choose_method(asked).method
    return expert_layers(arch, method, asked.version, shape=shape, scheme=scheme, shards=shards)


def _weights(
    asked: AskedQuantization, found: DeclaredScheme, experts: ExpertLayers, reference: str
) -> Iterator[Compatibility]:
    gpu, version = asked.gpu or Hardware(""), asked.version
    if not found.schemes:
        said = f"the checkpoint says {found.label}"
        what = said if found.label else "nothing says how the weights are stored"
        yield Compatibility(
            support=Support.UNKNOWN,
            quantization=found.label or "unknown",
            gpu=gpu.label,
            why=f"{what}; config.json of the image would settle it",
        )
        return
    for identifier in found.schemes:
        title = schemes_by_id()[identifier].title
        support, why = runs(identifier, gpu, version, experts=experts)
        told = f"{title} ({found.source.value}): {why}"
        if found.source.is_guess:
            told = f"{title}, as the {found.source.value} hints: {why}"
        if found.disagrees:
            told += f"; the name hints at {schemes_by_id()[found.disagrees].title}, the checkpoint wins"
        variant = ""
        if support is Support.UNSUPPORTED:
            variant = nearest(
                reference, identifier, lambda other: runs(other, gpu, version, experts=experts)[0]
            )
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


def _dtype(asked: AskedQuantization, gpu: Hardware, dtype: str) -> Iterator[Compatibility]:
    fault = dtype_fault(asked, dtype)
    if fault.why:
        agreed = agreed_dtype_fault(asked, dtype).why
        yield Compatibility(
            support=Support.UNSUPPORTED if agreed else Support.UNKNOWN,
            quantization=f"--dtype {dtype}",
            gpu=gpu.label,
            why=fault.why,
            source="vLLM, dtype checks (config/model.py, config/vllm.py)",
        )


def _cache(asked: AskedQuantization, cache: str, dtype: str) -> Iterator[Compatibility]:
    """That no attention backend has a cache in 16 bits that is asked for by name."""
    gpu = asked.gpu or Hardware("")
    if cache == "auto" or asked.facts is None or gpu.column != "nvidia" or not gpu.known:
        return
    model = describe_model(asked.facts, quantization=asked.value, dtype=dtype, overrides=None)
    if isinstance(model, str):
        return
    support, why = attention_backend_left(model.shape, cache, None, asked.version, gpu.capability)
    if support is Support.UNSUPPORTED:
        yield Compatibility(
            support=support,
            quantization=f"KV cache {clean(cache, limit=40)}",
            gpu=gpu.label,
            why=why,
            source="vLLM, supported_kv_cache_dtypes of the attention backends",
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
