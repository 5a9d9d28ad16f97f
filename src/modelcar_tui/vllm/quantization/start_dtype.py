"""Whether a start's dtype is one that the GPU, the model and its quantization have."""

from __future__ import annotations

import msgspec

from modelcar_tui.models import Reader, architecture_of, makes_no_text, may_generate, text_config
from modelcar_tui.vllm.quantization.declaration import AskedQuantization
from modelcar_tui.vllm.quantization.dtypes import BFLOAT16, dtype_refused, engine_dtype, model_type_of, named
from modelcar_tui.vllm.quantization.method import OLDEST_GUESS, choose_method, running_class
from modelcar_tui.vllm.release import parse_version, reached
from modelcar_tui.vllm.value_table import capability_table

_CACHE_AGREES = "0.33.0"
_TYPES = ("float16", "bfloat16", "float32")


class DtypeFault(msgspec.Struct, frozen=True):
    """Why vLLM refuses a dtype."""

    why: str = ""
    """Empty where it does not, or nothing says so."""
    error: str = ""
    """vLLM's words."""
    of_gpu: bool = False
    """Another GPU would do."""


def dtype_fault(asked: AskedQuantization, dtype: str) -> DtypeFault:
    """What speaks against `--dtype`, `auto` where it is not given; without a GPU what does on each."""
    config = asked.facts.config if asked.facts else None
    stored = named(Reader(text_config(config)).text("torch_dtype", "dtype").removeprefix("torch."))
    kind, release = model_type_of(config), asked.version or parse_version(asked.release) or ()
    why, error = dtype_refused(dtype, asked.gpu, kind, stored_in_bf16=stored in BFLOAT16, release=release)
    if why:
        anywhere, _ = dtype_refused(dtype, None, kind, stored_in_bf16=False, release=release)
        return DtypeFault(why, error, of_gpu=not anywhere)
    taken = engine_dtype(dtype, asked.gpu, kind, stored=stored, release=release)
    return _of_method(asked, taken, explicit=named(dtype) != "auto")


def agreed_dtype_fault(asked: AskedQuantization, dtype: str) -> DtypeFault:
    """The same, and of a release that is not known only what the releases that are shipped today agree
    about."""
    fault = dtype_fault(asked, dtype)
    if not fault.why or asked.version is not None:
        return fault
    older = msgspec.structs.replace(asked, version=OLDEST_GUESS)
    return fault if dtype_fault(older, dtype).why or choose_method(older).why else DtypeFault()


def _of_method(asked: AskedQuantization, taken: str, *, explicit: bool) -> DtypeFault:
    """VllmConfig._get_quantization_config over get_supported_act_dtypes."""
    chosen, release = choose_method(asked), asked.release
    listed = capability_table().value("act_dtypes", running_class(asked, chosen.method), release)
    able = sorted({named(name) for name in listed or () if not name.startswith("float8")})
    elsewhere = asked.gpu is not None and asked.gpu.column != "nvidia"  # its platform has other classes
    if chosen.why or elsewhere or not able or taken not in _TYPES or taken in able:
        return DtypeFault()
    shown = taken if explicit else f"the checkpoint's {taken}"
    why = f"vLLM {release} can't run quantization {chosen.method} in {shown}, only in {' or '.join(able)}"
    return DtypeFault(why, f"torch.{taken} is not supported for quantization method {chosen.method}.")


def float_cache_fault(asked: AskedQuantization, dtype: str, cache: str) -> str:
    """Why a KV cache in 16 bits does not go with the model's dtype; empty where it does, or nothing says so.

    Source: VllmConfig._reject_mismatched_float_kv_cache.
    """
    if cache not in ("float16", "bfloat16") or not reached(_CACHE_AGREES, asked.release):
        return ""
    config = asked.facts.config if asked.facts else None
    stored = named(Reader(text_config(config)).text("torch_dtype", "dtype").removeprefix("torch."))
    release = asked.version or parse_version(asked.release) or ()
    arch = architecture_of(config or {})
    pools = None if may_generate(arch) else makes_no_text(arch)
    taken = engine_dtype(dtype, asked.gpu, model_type_of(config), stored=stored, release=release, pools=pools)
    if taken not in _TYPES or taken == cache:
        return ""
    return f"vLLM {asked.release} has no {cache} KV cache beside a model in {taken}"
