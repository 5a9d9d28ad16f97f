"""Fields of a case that stand for arguments which are objects, lists or several flags at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelcar_tui.models import Reader
from modelcar_tui.vllm.arguments import EngineArgs, read_engine_args

_LORA = re.compile(
    r"\b(max_loras|max_lora_rank|rank|fully_sharded_loras)\b\s*[=: ]\s*(\d{1,5}|true)", re.IGNORECASE
)
_LORA_FLAGS = {
    "max_loras": "--max-loras",
    "max_lora_rank": "--max-lora-rank",
    "rank": "--max-lora-rank",
    "fully_sharded_loras": "--fully-sharded-loras",
}
_PAIR = re.compile(r"(\w{1,40})\s*[=:]\s*(\d{1,6})")
_OBJECTS = {"limit_mm_per_prompt": "--limit-mm-per-prompt", "mm_processor_kwargs": "--mm-processor-kwargs"}
_SIZES = ("cudagraph_capture_sizes", "cuda_graph_sizes")
_DRAFT = re.compile(r"(?:^|[\s(+])(mtp|eagle3?|ngram)[ =:-]?(\d{1,2})?\b", re.IGNORECASE)
_NO = ("", "false", "no", "none", "off", "0")


def fields_as_flags(case: Mapping[str, Any], read: Reader, vllm: str | None) -> tuple[str, ...]:
    """The flags that the release takes; of a field that its server has no flag for nothing is heard."""
    found: list[str] = []
    for choices in _choices(case, read):
        taken = (words for words in choices if not read_engine_args(words, None, vllm).problems)
        found += next(taken, ())
    return tuple(found)


def with_flags(args: EngineArgs, words: tuple[str, ...], vllm: str | None) -> EngineArgs:
    """`args` with what the flags say beside it."""
    told, nothing = read_engine_args(words, None, vllm), EngineArgs()
    names = set(EngineArgs.__struct_fields__) - {"problems", "faults", "doubts", "unknown", "beside"}
    changes = {name: getattr(told, name) for name in names if getattr(told, name) != getattr(nothing, name)}
    return EngineArgs(**{name: getattr(args, name) for name in EngineArgs.__struct_fields__} | changes)


Words = tuple[str, ...]


def _choices(case: Mapping[str, Any], read: Reader) -> Iterator[tuple[Words, ...]]:
    """For each field the ways to write it, the first that the release takes counts."""
    if lora := _lora(case.get("lora")):
        yield (lora,)
    for name, flag in _OBJECTS.items():
        if told := _object(case.get(name)):
            yield ((f"{flag}={json.dumps(told)}",),)
    offload = read.number("cpu_offload_gb", low=0.0, high=1e5)
    if offload:
        yield ((f"--cpu-offload-gb={offload:g}",),)
    if sizes := next(filter(None, (_numbers(case.get(name)) for name in _SIZES)), ()):
        yield _captures(sizes)
    if read.flag("language_model_only"):
        yield (("--language-model-only",),)
    if backend := read.text("attention_backend"):
        yield ((f"--attention-backend={backend}",),)
    if drafting := draft_of(case, read):
        yield ((f"--speculative-config={json.dumps(drafting)}",),)


def draft_of(case: Mapping[str, Any], read: Reader) -> dict[str, Any]:
    """Speculative decoding, from `speculative` or from a remark such as `(MTP2)` in the model's name."""
    told = case.get("speculative_config") or case.get("speculative")
    if isinstance(told, Mapping):
        return {"num_speculative_tokens": 1} | {str(key): value for key, value in told.items()}
    remark = _DRAFT.search(" ".join((read.text("model"), told if isinstance(told, str) else "")))
    if remark is None:
        return {}
    return {"method": remark[1].lower(), "num_speculative_tokens": int(remark[2] or 1)}


def _lora(told: object) -> Words:
    if isinstance(told, Mapping):
        told = ", ".join(f"{key} {value}" for key, value in told.items()) or "true"
    text = str(told or "").strip()
    if text.lower() in _NO or re.search(r"enable_lora\W+false", text, re.IGNORECASE):
        return ()
    flags = ["--enable-lora"]
    for name, value in _LORA.findall(text):
        flag = _LORA_FLAGS[name.lower()]
        flags.append(flag if flag == "--fully-sharded-loras" else f"{flag}={value}")
    return tuple(flags)


def _object(told: object) -> dict[str, Any]:
    """An object, its JSON, or pairs such as `image=1,video=0`."""
    if isinstance(told, str):
        try:
            told = json.loads(told)
        except (ValueError, RecursionError):
            told = {name: int(value) for name, value in _PAIR.findall(str(told))}
    return {str(key): value for key, value in told.items()} if isinstance(told, Mapping) else {}


def _numbers(told: object) -> tuple[int, ...]:
    if isinstance(told, bool):
        return ()
    items = told if isinstance(told, list) else re.findall(r"\d{1,6}", str(told or ""))
    return tuple(int(item) for item in items if isinstance(item, int | str) and str(item).isdigit())


def _captures(sizes: tuple[int, ...]) -> tuple[Words, ...]:
    """A list of sizes as it stands; one number is the largest of the release's own."""
    if len(sizes) > 1:
        return ((f"--compilation-config={json.dumps({'cudagraph_capture_sizes': list(sizes)})}",),)
    most = sizes[0]
    stepped = [size for size in (1, 2, 4, *range(8, most + 1, 8)) if size <= most]
    return (
        (f"--max-cudagraph-capture-size={most}",),
        (f"--cuda-graph-sizes={most}",),
        (f"--compilation-config={json.dumps({'cudagraph_capture_sizes': stepped})}",),
    )
