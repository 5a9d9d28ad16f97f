"""A model made ready once from its facts, for every question that is asked of it later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.core.facts import Source
from modelcar_tui.models.class_defaults import made_whole
from modelcar_tui.models.config import Reader, has_own_code, text_part
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.gguf import config_of_gguf
from modelcar_tui.models.headers import Measured, measure
from modelcar_tui.models.quantization.declared import quantization_of
from modelcar_tui.models.quantization.listed import storage_for
from modelcar_tui.models.quantization.named_layers import Storage
from modelcar_tui.models.quantization.recipes import usual_storage
from modelcar_tui.models.quantization.scheme import Scheme
from modelcar_tui.models.quantization.storage import scheme_of_model
from modelcar_tui.models.shape import Shape, shape_of
from modelcar_tui.models.splits import split_fault, tower_fault
from modelcar_tui.models.towers.processor import with_processor
from modelcar_tui.models.towers.tower import UNDESCRIBED
from modelcar_tui.models.weights import tensors
from modelcar_tui.models.weights.stored import whole_bytes

_KEPT = 256
_described: dict[tuple[int, str, str], tuple[ModelFacts, Model | str]] = {}
_SHORT_EXPERTS = ("deepseek_v4", "deepseek_v4_text", "deepseek_v41", "deepseek_v41_text")
_MXFP4_EXPERTS = ("KimiK3ForConditionalGeneration",)
"""Architectures whose compressed-tensors MXFP4 vLLM reads with the method that knows experts only
(models/config.py KimiK3ForConditionalGenerationConfig, 0.27 and later)."""
_TOWER_FROM = 0.012
"""A surplus of parameters above this share of the text model is a tower of its own."""
_WHOLE_TOWERS = ("PixtralForConditionalGeneration", "VoxtralForConditionalGeneration", "InternVLChatModel")
"""Architectures whose tower is built from plain layers, so that every GPU holds all of it."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What does not depend on the GPU or on most arguments."""

    shape: Shape
    scheme: Scheme
    storage: Storage
    """The schemes of its layers, where the checkpoint names some that have another."""
    usual: Storage | None
    """How such checkpoints are usually stored, where nothing tells which layers it leaves in 16 bits."""
    width: int
    """Bytes of an unquantized weight on the GPU."""
    extra: float
    """Bytes of the text model beyond what the config explains."""
    tower: float
    """Bytes of the vision or audio tower."""
    whole_tower: bool
    unquantized: bool
    """The checkpoint holds 16-bit weights, whatever `--quantization` makes of them."""
    cache_fp8: bool
    """The checkpoint asks for an fp8 KV cache."""
    source: Source
    """Where the size of the weights comes from."""
    notes: tuple[str, ...]
    own_code: bool = False
    """A class of its own lies beside the weights (`auto_map`)."""


def describe_model(
    facts: ModelFacts, *, quantization: str | None, dtype: str, overrides: Mapping[str, Any] | None
) -> Model | str:
    """The model prepared, or one sentence that says why it can't be sized from its config.

    Made once for each `facts` and each set of arguments that change what they mean (`--quantization`,
    `--dtype`, `--hf-overrides`).
    """
    key = (id(facts), f"{quantization}", f"{dtype} {overrides}")
    kept = _described.get(key)
    if kept is not None and kept[0] is facts:
        return kept[1]
    made = _prepare(facts, quantization, dtype, overrides)
    if len(_described) >= _KEPT:
        _described.pop(next(iter(_described)))
    _described[key] = (facts, made)
    return made


def tensor_parallel_fault(
    facts: ModelFacts | None,
    size: int,
    overrides: Mapping[str, Any] | None = None,
    *,
    whole_experts: bool = False,
) -> str:
    """Why vLLM can't share the model over `size` GPUs; empty where nothing that is known speaks against it.

    Args:
        overrides: what the arguments put in the place of config.json's values.
        whole_experts: expert parallelism keeps each expert on one GPU.
    """
    if facts is None or size == 1:
        return ""
    model = describe_model(facts, quantization=None, dtype="auto", overrides=overrides or None)
    if isinstance(model, str):
        return ""
    fault = split_fault(model.shape, model.scheme, size, experts=1 if whole_experts else None)
    fault = fault or tower_fault(model.shape, size)
    return fault.why if fault else ""


def _prepare(
    facts: ModelFacts, flag: str | None, dtype: str, overrides: Mapping[str, Any] | None
) -> Model | str:
    config = made_whole(facts.config) if facts.config else config_of_gguf(facts.gguf or {})
    shape = shape_of(config, overrides)
    if isinstance(shape, str):
        return shape if config else facts.unread or shape
    shape = _processed(shape, facts.processors or {})
    quantization, scheme = quantization_of(facts), _scheme(facts, config or {}, shape, flag)
    storage = storage_for(quantization, scheme)
    width = 4 if dtype in ("float32", "float") else 2
    parameters = _parameters(facts)
    shape = _complete(shape, parameters)
    if isinstance(shape, str):
        return shape
    measured = _measured(facts, shape, width)
    extra, tower, source = _surplus(shape, storage, width, parameters, measured)
    shape = shape if shape.tower or not tower else msgspec.structs.replace(shape, tower=UNDESCRIBED)
    return Model(
        shape=shape,
        scheme=scheme,
        storage=storage,
        usual=usual_storage(shape, scheme) if _tells_no_layers(facts, measured) else None,
        width=width,
        extra=extra,
        tower=tower,
        whole_tower=_has_whole_tower(shape),
        unquantized=not quantization and not facts.quantization_name.value,
        cache_fp8=_asks_fp8_cache(quantization),
        source=source,
        notes=(*_not_known(scheme, measured), *_not_counted(shape, tower, source)),
        own_code=has_own_code(facts.config),
    )


def _scheme(facts: ModelFacts, config: Mapping[str, Any], shape: Shape, flag: str | None) -> Scheme:
    """The checkpoint's scheme, as the model's class reads it."""
    scheme = scheme_of_model(facts, flag)
    if scheme.bits == 8 and _has_short_experts(config, shape, flag):
        scheme = msgspec.structs.replace(scheme, short_experts=True)
    if scheme.ids == ("mxfp4-ct",) and shape.arch in _MXFP4_EXPERTS:
        scheme = msgspec.structs.replace(scheme, experts_only=True, attention=False)
    return scheme


def _parameters(facts: ModelFacts) -> int | None:
    """The number of parameters where it is told, not guessed, and can be one."""
    told = facts.parameters
    value = told.value if told.known and not told.source.is_guess else None
    return value if isinstance(value, int) and 10_000 <= value <= 10**14 else None


def _not_known(scheme: Scheme, measured: Measured | None) -> tuple[str, ...]:
    if scheme.known or measured is not None:
        return ()
    return (f"the quantization `{scheme.name}` is not known; weights are counted in 16 bits",)


def _not_counted(shape: Shape, tower: float, source: Source) -> tuple[str, ...]:
    """That a tower of which nothing is described weighs nothing in the sum."""
    if shape.tower is None or not shape.tower.missing or tower or source is not Source.MODEL_CONFIG:
        return ()
    return (f"{shape.tower.missing}; they are not counted",)


def _tells_no_layers(facts: ModelFacts, measured: Measured | None) -> bool:
    """Whether a quantization is known by its name alone."""
    return measured is None and not quantization_of(facts) and bool(facts.quantization_name.value)


def _processed(shape: Shape, told: Mapping[str, Any]) -> Shape:
    tower = shape.tower
    if tower is None or tower.media is None or not told:
        return shape
    media = with_processor(tower.media, told.get("image") or {}, told.get("video") or {})
    return msgspec.structs.replace(shape, tower=msgspec.structs.replace(tower, media=media))


def _has_whole_tower(shape: Shape) -> bool:
    return shape.arch in _WHOLE_TOWERS or (not shape.arch and shape.vocab == 131072)


def _has_short_experts(config: Mapping[str, Any], shape: Shape, flag: str | None) -> bool:
    """Whether an fp8 checkpoint's experts are taken for MXFP4 (vllm models/deepseek_v4 quant_config.py,
    0.20 to 0.33): those of its own model types, or by its own method's name, unless config.json denies it."""
    own = shape.model_type in _SHORT_EXPERTS or flag == "deepseek_v4_fp8"
    return own and (Reader(config).text("expert_dtype") or "fp4") == "fp4"


def _measured(facts: ModelFacts, shape: Shape, width: int) -> Measured | None:
    """What the files themselves weigh: by their headers, else as a whole (GGUF)."""
    if facts.tensors:
        config = facts.config or {}
        drafts = Reader(text_part(config), config).integer("num_nextn_predict_layers", high=64) or 0
        return measure(facts.tensors, width, tied=shape.tied, layers=shape.layers, drafts=drafts)
    if facts.gguf and isinstance(facts.weight_bytes.value, int):
        return Measured(text=float(facts.weight_bytes.value), tower=0.0, elements=0)
    return None


def _asks_fp8_cache(quantization: Mapping[str, Any] | None) -> bool:
    """The checkpoint's own KV cache type, which `auto` follows."""
    if quantization is None:
        return False
    inner = quantization.get("quantization")
    algorithm = quantization.get("kv_cache_quant_algo") or (
        inner.get("kv_cache_quant_algo") if isinstance(inner, Mapping) else ""
    )
    scheme = quantization.get("kv_cache_scheme")
    return (isinstance(scheme, Mapping) and scheme.get("num_bits") == 8) or str(
        algorithm or ""
    ).upper() == "FP8"


def _complete(shape: Shape, parameters: int | None) -> Shape | str:
    """What the config leaves open, from the number of parameters."""
    if (
        parameters is not None
        and shape.moe is None
        and shape.gated
        and not shape.model_type
        and _fits_plain(shape, parameters)
    ):
        shape = msgspec.structs.replace(shape, gated=False)
    moe = shape.moe
    if moe is None or moe.inter is not None:
        return shape
    if parameters is None:
        return "config.json does not say how wide an expert is (moe_intermediate_size)"
    rest = parameters - tensors.true_count(
        msgspec.structs.replace(shape, moe=msgspec.structs.replace(moe, inter=0))
    )
    each = rest / max(1, sum(shape.experts_at) * (moe.experts + moe.shared_count) * 3 * moe.width)
    # With a tower in the count the width is the next lower one; the rest of the parameters is the tower's.
    inter = int(each // 128) * 128 if shape.tower is not None else round(each / 64) * 64
    return msgspec.structs.replace(shape, moe=msgspec.structs.replace(moe, inter=max(64, inter)))


def _fits_plain(shape: Shape, parameters: int) -> bool:
    plain = tensors.true_count(msgspec.structs.replace(shape, gated=False))
    return abs(plain - parameters) < 0.02 * parameters < abs(tensors.true_count(shape) - parameters)


def _surplus(
    shape: Shape, storage: Storage, width: int, parameters: int | None, measured: Measured | None
) -> tuple[float, float, Source]:
    """Bytes that the layers do not explain, bytes of the tower, and where both were learned."""
    explained, scheme = whole_bytes(shape, storage, width), storage.base
    if measured is not None and measured.text > 0:
        return measured.text - explained, measured.tower, Source.HEADERS
    described = shape.tower.elements if shape.tower is not None else 0
    if parameters is None:
        return 0.0, float(described * width), Source.MODEL_CONFIG
    count = tensors.true_count(shape)
    surplus = parameters - count
    if described and abs(surplus - described) <= _TOWER_FROM * count:
        return float((surplus - described) * width), float(described * width), Source.INDEX
    if surplus > _TOWER_FROM * count and (shape.moe is None or shape.tower is not None):
        return 0.0, float(surplus * width), Source.INDEX
    narrow = scheme.linear_bytes(1024, 1024) / 2**20 if surplus > 0.02 * count and scheme.bits < 16 else width
    return surplus * narrow, 0.0, Source.INDEX
