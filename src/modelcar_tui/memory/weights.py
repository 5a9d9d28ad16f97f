"""Weights on one GPU: from the config's layers, corrected by what the headers or the parameter count say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from modelcar_tui.core.facts import GIB, Source, Term
from modelcar_tui.core.rounding import round_up
from modelcar_tui.memory.allocator import allocated
from modelcar_tui.memory.expert_bytes import matrix_bytes, padding, with_room
from modelcar_tui.memory.split import Split, layer_on_a_gpu
from modelcar_tui.memory.start import Start
from modelcar_tui.models import SHARED_EXPERT_BLOCKS_SINCE, Shape
from modelcar_tui.models.quantization import (
    FINER_BLOCKS_SINCE,
    PLAIN_SCHEME,
    SECOND_COPY,
    LayerScheme,
    Scheme,
    Storage,
    finer_block,
)
from modelcar_tui.models.towers import held_bytes as ends_held
from modelcar_tui.models.weights import (
    STATE_PARTS,
    Weight,
    cross_attention_weights,
    distinct_layers,
    embedding_weight,
    encoder_layer_weights,
    head_weight,
    loose_elements,
    stored_bytes,
)

_ORIGIN = "vllm model_executor/layers/linear.py"
PADDING, BUFFERS = "experts' padding", "buffers made while loading"
_WHOLE_UNTIL = (("ModernBert", (0, 29)),)
"""Architectures that vLLM quantizes only from a release on."""
_QUANTIZES_CONVOLUTIONS = (0, 27)
"""From here on LFM2's convolutions hand the scheme on (vllm layers/mamba/short_conv.py)."""
_NESTED_SCALE = 1 + 4 / 256
"""Bytes of a scale that is quantized, too: 256 of them have one of their own."""
_EITHER_WAY = "between all layers quantized and those that usually are"
_WHOLE = Storage(PLAIN_SCHEME)


class RankWeights(msgspec.Struct, frozen=True, kw_only=True):
    """What one pipeline rank's GPU holds."""

    first: int
    last: int
    """Its layers, `first` to before `last`."""
    total: float
    terms: tuple[Term, ...]
    relaid: float
    """Bytes that lie idle in the allocator after MXFP4 weights were re-laid for their kernel."""


def pipeline_ranks(layers: int, pp: int) -> list[tuple[int, int]]:
    """Layers of each pipeline rank (vllm distributed/utils.py get_pp_indices)."""
    each, rest = divmod(layers, pp)
    sizes = [each] * pp
    for index in range(2, rest + 2):
        sizes[-index if index <= pp else 0] += 1
    ranks, at = [], 0
    for size in sizes:
        ranks.append((at, at + size))
        at += size
    return ranks


@lru_cache(maxsize=512)
def rank_weights(
    shape: Shape,
    split: Split,
    storage: Storage,
    width: int,
    extra: float,
    tower: float,
    rank: tuple[int, int],
    buffers: float = 0.0,
) -> RankWeights:
    """Bytes on a GPU of the pipeline rank that holds the layers `rank`.

    Args:
        storage: how the layers are stored.
        width: bytes of an unquantized weight.
        extra: bytes of the whole text model that the layers do not explain (may be negative).
        tower: bytes of the vision and audio towers on this GPU.
        buffers: bytes of what is made beside them meanwhile.
    """
    first, last = rank
    if any(shape.arch.startswith(name) and split.release < since for name, since in _WHOLE_UNTIL):
        storage = _WHOLE
    found, scheme = _Sum(), storage.base
    for start, end, own in storage.runs(first, last):
        _add_layers(found, shape, split, own, scheme, width, (start, end))
    if first == 0:
        embedding = embedding_weight(shape, split.tp)
        found.add("embedding", embedding.elements, _edge(embedding, PLAIN_SCHEME, width), rounded=True)
        found.parts["positions and inputs by layer"] += loose_elements(shape, split.tp) * width
        found.parts["positions and inputs by layer"] += ends_held(shape.ends, split.tp, width, split.release)
        if shape.encoder_layers:
            layer = encoder_layer_weights(shape, split.tp)
            found.add_stored("encoder", layer, scheme, width, shape.encoder_layers)
        found.parts["vision or audio tower"] += tower
    if shape.encoder_layers:
        attention = cross_attention_weights(shape, split.tp)
        found.add_stored("cross attention", attention, scheme, width, last - first)
    if last == shape.layers and not (shape.tied and first == 0) and not shape.encoder_only:
        head = head_weight(shape, split.tp)
        found.add("lm_head", head.elements, _edge(head, storage.head, width), rounded=True)
    share = (last - first) / shape.layers
    found.parts["not explained by config.json"] += extra * share / split.tp
    found.parts["rotary cache"] += shape.ropes.held(split.release)
    found.parts[BUFFERS] += buffers
    found.parts["allocator rounding"] += found.slack
    notes = {label: _note(label, split, scheme) for label in found.parts}
    terms = tuple(
        Term(label, size / GIB, "GiB", _source(label), _formula(found.counts[label], size, notes[label]))
        for label, size in found.parts.items()
        if abs(size) >= 1
    )
    total = sum(found.parts.values())
    return RankWeights(first=first, last=last, total=total, terms=terms, relaid=found.relaid)


def stored_between(start: Start, least: RankWeights, most: RankWeights) -> RankWeights:
    """The weights that are shown where the checkpoint may be stored in two ways."""
    if start.most >= 1.0 or least.total == most.total:
        return most
    lean = {term.label: term for term in least.terms}
    terms = []
    for term in most.terms:
        other = lean.get(term.label, term)
        value = start.between(other.value or 0.0, term.value or 0.0)
        note = term.note if other.value == term.value else _EITHER_WAY
        terms.append(msgspec.structs.replace(term, value=value, note=note))
    total, relaid = start.between(least.total, most.total), start.between(least.relaid, most.relaid)
    return msgspec.structs.replace(most, total=total, terms=tuple(terms), relaid=relaid)


class _Sum:
    """Bytes and numbers by what they are called."""

    def __init__(self) -> None:
        self.parts: defaultdict[str, float] = defaultdict(float)
        self.counts: Counter[str] = Counter()
        self.slack = self.relaid = 0.0

    def add(
        self,
        label: str,
        elements: int,
        size: float,
        count: int = 1,
        *,
        rounded: bool = False,
        more: float = 0.0,
    ) -> None:
        """`count` matrices of so many numbers and bytes, each `rounded` as the allocator rounds it.

        Args:
            more: bytes of padding in each beside `size`.
        """
        self.parts[label] += size * count
        self.counts[label] += elements * count
        self.parts[PADDING] += more * count
        self.slack += (allocated(size + more) - size - more) * count if rounded else 0.0

    def add_stored(
        self, label: str, weights: Iterable[Weight], scheme: Scheme, width: int, count: int
    ) -> None:
        """`count` times these matrices, each as the scheme stores its role."""
        for weight in weights:
            self.add(label, weight.elements, stored_bytes(weight, scheme.of_role(weight.role), width), count)


def _add_layers(
    found: _Sum,
    shape: Shape,
    split: Split,
    own: LayerScheme,
    base: Scheme,
    width: int,
    layers: tuple[int, int],
) -> None:
    """The layers `layers`, for which the same rules hold."""
    for one, kind, experts, count in distinct_layers(shape, *layers):
        copied = False
        for weight in layer_on_a_gpu(one, kind, split, experts=experts):
            if weight.label == SECOND_COPY and not copied:
                continue
            kept = _finer(one, weight, own.of(one, weight, experts=experts), split)
            copied = weight.label == "kv_b_proj" and kept.bits < PLAIN_SCHEME.bits
            held = with_room(one, _in_blocks(one, weight, kept, split), base, split)
            size, idle = (each * weight.count for each in matrix_bytes(held, kept, width, split))
            more = padding(one, held, kept, split) * weight.count
            found.add(_label(weight), weight.elements, size, count, rounded=True, more=more)
            found.relaid += idle * count


def _finer(shape: Shape, weight: Weight, scheme: Scheme, split: Split) -> Scheme:
    """The scheme as the release takes it: with the blocks that vLLM takes where an expert's shard would cut
    the checkpoint's."""
    convolves = shape.state is not None and shape.state.kind == "conv"
    if convolves and weight.label in STATE_PARTS and split.release < _QUANTIZES_CONVOLUTIONS:
        return PLAIN_SCHEME
    if scheme.nested and split.nests:
        return msgspec.structs.replace(scheme, scale_bytes=_NESTED_SCALE)
    if not scheme.block or weight.role != "expert" or shape.moe is None or split.release < FINER_BLOCKS_SINCE:
        return scheme
    halves = 1 if shape.family.one_part_layers and not shape.gated else 2
    part = weight.inner if "down" in weight.label else weight.unit // halves
    return msgspec.structs.replace(scheme, block=finer_block(scheme.block, part, shape.moe.width))


def _in_blocks(shape: Shape, weight: Weight, scheme: Scheme, split: Split) -> Weight:
    """DeepSeek V4's shared expert with whole blocks on each GPU; other weights as they are."""
    shared = weight.label in ("gate_up_proj", "down_proj") and shape.compressed is not None
    if not (shared and scheme.block and split.release >= SHARED_EXPERT_BLOCKS_SINCE):
        return weight
    if weight.label == "down_proj":
        return msgspec.structs.replace(weight, inner=round_up(weight.inner, scheme.block))
    return msgspec.structs.replace(weight, out=2 * round_up(weight.out // 2, scheme.block))


def _edge(weight: Weight, scheme: Scheme, width: int) -> float:
    if scheme.bits < 16:
        return scheme.linear_bytes(weight.out, weight.inner)
    return float(weight.out * weight.inner * width)


def _label(weight: Weight) -> str:
    if weight.role == "attention":
        return "attention"
    if weight.role == "expert":
        return "experts"
    if weight.label in ("gate_up_proj", "up_proj", "down_proj"):
        return "MLP"
    if weight.label in STATE_PARTS:
        return "state-space mixers"
    return "absorbed kv_b" if weight.label == "absorbed kv_b" else "norms, routers, biases"


def _source(label: str) -> Source:
    computed = label in ("allocator rounding", "rotary cache", PADDING, BUFFERS)
    return Source.COMPUTED if computed else Source.MODEL_CONFIG


def _formula(count: int, size: float, note: str) -> str:
    """`291,504,128 x 2 B, ...`; an average where numbers of one name are stored in several ways."""
    if not count:
        return note
    each = size / count
    bytes_each = f"{each:g} B" if each in (1, 2, 4) else f"{each:.4f} B on average"
    return f"{count:,} x {bytes_each}, {note}"


def _note(label: str, split: Split, scheme: Scheme) -> str:
    spread = f"split over {split.tp} GPUs" if split.tp > 1 else "on one GPU"
    if label == "rotary cache":
        return "positions x rotary_dim x 2 B, whole on every GPU (vllm layers/rotary_embedding/base.py)"
    if label == BUFFERS:
        return (
            "rows for max_num_batched_tokens and backends' workspaces (vllm models/, attention/backends/mla)"
        )
    if label == PADDING:
        return "to whole tiles of FlashInfer's kernels (vllm quantization/utils/flashinfer_utils.py)"
    if label == "allocator rounding":
        return "steps of 2 MiB of PyTorch's caching allocator"
    if label in ("attention", "MLP", "experts") and scheme.bits < 16:
        return f"{scheme.name}, {spread} ({_ORIGIN})"
    if label == "vision or audio tower":
        return "matrices shared as its model file says, the rest whole (vllm models/)"
    return f"{spread} ({_ORIGIN})"
