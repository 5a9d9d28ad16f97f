"""What was found of a model's files, and the facts that follow from it."""

from __future__ import annotations

import json
import posixpath
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from modelcar_tui.core.counting import several
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.image.files.count import count_parameters, dominant_bits
from modelcar_tui.image.files.declared import declared, quantization_part
from modelcar_tui.image.files.gguf import Gguf
from modelcar_tui.image.files.safetensors import Header, merge_groups
from modelcar_tui.models import ModelFacts, TensorGroup

INDEX = "model.safetensors.index.json"
DOCUMENTS = {
    "config.json": 1 << 24,
    "generation_config.json": 1 << 18,
    "hf_quant_config.json": 1 << 24,
    "quantize_config.json": 1 << 18,
    "quant_config.json": 1 << 18,
    "adapter_config.json": 1 << 18,
    "processor_config.json": 1 << 18,
    "preprocessor_config.json": 1 << 18,
    "video_preprocessor_config.json": 1 << 18,
}
"""The JSON files that are read whole, and the most bytes that each may have. Checkpoints of mixed precision
name each of their 50,000 quantized layers: 2.4 MB."""
WEIGHTS = (".safetensors", ".gguf", ".bin", ".pt", ".pth")
_PART = re.compile(r"-(\d{1,6})-of-(\d{1,6})\.[a-z]+$")
_TOTAL = re.compile(rb'"total_size"\s*:\s*(\d{1,18})(?:\.\d+)?\s*[,}]')


def too_large(name: str, size: int) -> str:
    """What is said of a document that is larger than it may be; the empty text where it is not."""
    most = DOCUMENTS[name]
    return f"has {size / 2**20:.1f} MiB, and at most {most / 2**20:g} are read" if size > most else ""


CountParameters = Callable[[dict[str, Any]], int | None]


class WeightFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of weights; `exact` is False where the size is that of a compressed layer."""

    size: int
    exact: bool = True
    header: Header | None = None
    gguf: Gguf | None = None


def model_folder(documents: Iterable[str], weights: Iterable[str]) -> str:
    """The model's folder: that of the config.json nearest to the top, else of the weights.

    Args:
        documents: Paths of configuration files.
        weights: Paths of weights; a folder that has some comes first.
    """
    documents, weights = tuple(documents), tuple(weights)
    with_weights = {posixpath.dirname(path) for path in weights}
    configs = [path for path in documents if posixpath.basename(path) == "config.json"]
    for paths in (configs, weights, documents):
        folders = {posixpath.dirname(path) for path in paths}
        if folders:
            return min(folders, key=lambda folder: (folder not in with_weights, folder.count("/"), folder))
    return ""


class Found:
    """Collects files by their path within the image or folder."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.weights: dict[str, WeightFile] = {}
        self.totals: dict[str, int] = {}
        """`total_size` of indexes, by path."""
        self.notes: list[str] = []
        self.unread: dict[str, str] = {}
        """Why a document is not among `documents`, by path."""

    def add_document(self, path: str, raw: bytes) -> None:
        """Keep a JSON object; anything else is noted and left out."""
        try:
            data = json.loads(raw)
        except (ValueError, RecursionError):
            data = None
        if isinstance(data, dict):
            self.documents[path] = data
        else:
            self.leave(path, "is not a JSON object")

    def leave(self, path: str, why: str) -> None:
        """Note that a document is there and is not read."""
        self.unread[path] = f"{posixpath.basename(path)} {why}"
        self.notes.append(self.unread[path])

    def add_index(self, path: str, head: bytes) -> None:
        """Keep the sum that an index states at its beginning."""
        if match := _TOTAL.search(head):
            self.totals[path] = int(match[1])

    @property
    def root(self) -> str:
        """The model's folder: that of the config.json nearest to the top, else of the weights."""
        return model_folder((*self.documents, *self.unread), self.weights)

    def document(self, name: str) -> dict[str, Any] | None:
        """A JSON file of the model's folder."""
        return self.documents.get(posixpath.join(self.root, name))

    def shards(self) -> dict[str, WeightFile]:
        """The weight files that vLLM loads: one format, without a second copy in Mistral's or PyTorch's."""
        root = self.root
        here = {path: file for path, file in self.weights.items() if posixpath.dirname(path) == root}
        for suffix in WEIGHTS:
            files = {path: file for path, file in here.items() if path.endswith(suffix)}
            plain = {
                path: file for path, file in files.items() if "consolidated" not in posixpath.basename(path)
            }
            if files:
                return plain or files
        return {}


def model_facts(found: Found, *, count: CountParameters | None = None, at: float | None = None) -> ModelFacts:
    """The facts, each from the most trusted file that tells it: headers, index, config.json, file sizes."""
    at = time.time() if at is None else at
    config = found.document("config.json")
    others = {name: found.document(name) for name in DOCUMENTS}
    quantization = quantization_part(config, others)
    name, bits = declared(config, quantization)
    shards = found.shards()
    headers = _headers(shards)
    tensors = merge_groups(headers) if headers else None
    gguf = next((file.gguf for file in shards.values() if file.gguf is not None), None)
    if tensors is not None and bits is None:
        bits = dominant_bits(tensors)
    said = Source.MODEL_CONFIG if config is not None or quantization else Source.HEADERS
    facts = ModelFacts(
        config=config,
        unread=found.unread.get(posixpath.join(found.root, "config.json"), ""),
        generation_config=others["generation_config.json"],
        quantization=quantization,
        adapter=others["adapter_config.json"],
        processors=_processors(others),
        tensors=tensors,
        gguf=gguf.metadata if gguf else None,
        parameters=_parameters(tensors, bits, config, count, at),
        weight_bytes=_weight_bytes(found, shards, headers, at),
        bits=Fact(value=bits, source=said, at=at, unit="bit") if bits else Fact(unit="bit"),
        quantization_name=Fact(value=name, source=said, at=at) if name is not None else Fact(),
    )
    return _with_gguf(facts, gguf, at) if gguf else facts


def _headers(shards: dict[str, WeightFile]) -> list[Header]:
    """The headers of all shards; none where one of them is not known."""
    read = [file.header for file in shards.values() if file.header is not None]
    return read if _all_there(shards) and len(read) == len(shards) else []


def _processors(others: dict[str, dict[str, Any] | None]) -> dict[str, Any] | None:
    """What the image and the video processor are told, of files of their own before parts of one."""
    whole = others["processor_config.json"] or {}
    told = {
        name: others[f"{prefix}preprocessor_config.json"] or whole.get(f"{name}_processor")
        for name, prefix in (("image", ""), ("video", "video_"))
    }
    return {name: part for name, part in told.items() if isinstance(part, dict)} or None


def _all_there(shards: dict[str, WeightFile]) -> bool:
    """Whether no shard is missing, as far as names like `-00001-of-00004` tell."""
    for path in shards:
        if (match := _PART.search(path)) and int(match[2]) != len(shards):
            return False
    return bool(shards)


def _parameters(
    tensors: tuple[TensorGroup, ...] | None,
    bits: int | None,
    config: dict[str, Any] | None,
    count: CountParameters | None,
    at: float,
) -> Fact[int]:
    if tensors is not None:
        value = count_parameters(tensors, bits)
        kinds = sum(group.count for group in tensors)
        return Fact(value=value, source=Source.HEADERS, at=at, unit="parameters", note=f"{kinds} tensors")
    value_or_none = count(config) if count is not None and config is not None else None
    if value_or_none:
        note = "computed from config.json"
        return Fact(value=value_or_none, source=Source.MODEL_CONFIG, at=at, unit="parameters", note=note)
    return Fact(note="the weights' headers were not read", unit="parameters")


def _weight_bytes(found: Found, shards: dict[str, WeightFile], headers: list[Header], at: float) -> Fact[int]:
    if headers:
        value, note = sum(header.bytes for header in headers), f"headers of {several(len(shards), 'file')}"
        return Fact(value=value, source=Source.HEADERS, at=at, unit="B", note=note)
    total = found.totals.get(posixpath.join(found.root, INDEX))
    if total:
        return Fact(value=total, source=Source.INDEX, at=at, unit="B", note=f"total_size of {INDEX}")
    if _all_there(shards):
        value = sum(file.size for file in shards.values())
        exact = all(file.exact for file in shards.values())
        return Fact(
            value=value,
            source=Source.LAYERS,
            at=at,
            unit="B",
            note=f"sizes of {several(len(shards), 'weight file')}" + ("" if exact else ", some compressed"),
            low=None if exact else value * 0.98,
            high=None if exact else value * 1.28,
        )
    return Fact(note="no weight file was reached" if not shards else "not every shard was reached", unit="B")


def _with_gguf(facts: ModelFacts, gguf: Gguf, at: float) -> ModelFacts:
    told = gguf.metadata.get("general.parameter_count")
    parameters = gguf.parameters or (told if isinstance(told, int) and told > 0 else None)
    note = "GGUF header"
    figures = (
        ("parameters", parameters, "parameters"),
        ("weight_bytes", gguf.bytes, "B"),
        ("bits", gguf.bits, "bit"),
    )
    read: dict[str, Fact[int]] = {
        name: Fact(value=value, source=Source.HEADERS, at=at, unit=unit, note=note)
        for name, value, unit in figures
        if value
    }
    quantized = Fact(value="gguf", source=Source.HEADERS, at=at, note=note)
    return msgspec.structs.replace(facts, **read, quantization_name=quantized)
