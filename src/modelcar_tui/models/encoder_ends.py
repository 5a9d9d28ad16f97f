"""What stands before and after the layers of models that pool: embeddings, poolers, heads.

Poolers and classifiers are kept in 32 bits (vllm config/model.py head_dtype) and whole on every GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelcar_tui.models.config import Reader
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import Piece, buffer, layer_norm, shared_table, vector

_WIDE = 4
_SHARED_SINCE = (0, 25)
"""The release whose roberta.py shares positions and token types."""
Make = Callable[[Reader, int], Iterator[Piece]]


def ends_of(read: Reader, arch: str, hidden: int, vocab: int) -> tuple[Part, ...]:
    """Everything outside of the layers but the token embedding, of a decoder what comes after them; nothing
    for other architectures."""
    embeddings = next((made for names, made in _EMBEDDINGS if arch.startswith(names)), None)
    if embeddings is None:
        after = _AFTER_DECODERS.get(arch)
        return () if after is None else (part("text", after(read, hidden)),)
    since = _SHARED_SINCE if "Roberta" in arch or arch.startswith("BgeM3") else (0, 0)
    head = _HEADS.get(arch)
    pieces: list[Piece] = []
    if head is not None:
        pieces += head(read, hidden)
    elif arch in _MASKED:
        pieces += _masked_head(hidden, vocab)
    elif arch in _POOLED_FILES:
        pieces += [Piece(hidden, hidden, only="file"), Piece(hidden, only="file")]
    return part("text", embeddings(read, hidden), cut_since=since), part("text", pieces)


def _bert(read: Reader, hidden: int) -> Iterator[Piece]:
    """bert.py BertEmbedding, roberta.py RobertaEmbedding: positions and types are shared."""
    positions = read.integer("max_position_embeddings", high=2**24) or 512
    yield shared_table(positions, hidden)
    yield from _types(read, hidden)
    yield buffer(positions, width=8)


def _rotary(read: Reader, hidden: int) -> Iterator[Piece]:
    """bert_with_rope.py BertWithRopeEmbedding."""
    yield from _types(read, hidden)


def _types(read: Reader, hidden: int) -> Iterator[Piece]:
    types = read.integer("type_vocab_size", low=0, high=1024)
    types = 2 if types is None else types
    if types:
        yield shared_table(types, hidden)
    yield layer_norm(hidden)


def _modern(read: Reader, hidden: int) -> Iterator[Piece]:
    """modernbert.py ModernBertEmbeddings, and the last norm."""
    yield vector(hidden * (2 if read.flag("norm_bias") else 1), 2)


def _wide(out: int, inner: int, *, bias: bool = True) -> Iterator[Piece]:
    yield Piece(out, inner, own_width=_WIDE)
    if bias:
        yield Piece(out, own_width=_WIDE)


def _labels(read: Reader) -> int:
    return read.integer("num_labels", high=2**20) or len(read.mapping("id2label")) or 2


def _classifier(read: Reader, hidden: int) -> Iterator[Piece]:
    yield from _wide(_labels(read), hidden)


def _pooled_classifier(read: Reader, hidden: int) -> Iterator[Piece]:
    """bert.py BertPooler, roberta.py RobertaClassificationHead."""
    yield from _wide(hidden, hidden)
    yield from _classifier(read, hidden)


def _modern_classifier(read: Reader, hidden: int) -> Iterator[Piece]:
    """modernbert.py ModernBertPooler."""
    yield from _wide(hidden, hidden, bias=bool(read.flag("classifier_bias")))
    yield Piece(hidden * (2 if read.flag("norm_bias") else 1), own_width=_WIDE)
    yield from _classifier(read, hidden)


def _modern_tokens(read: Reader, hidden: int) -> Iterator[Piece]:
    """modernbert.py ModernBertPredictionHead, of the serving dtype."""
    yield Piece(hidden, hidden)
    yield vector(hidden * (2 if read.flag("norm_bias") else 1))
    yield from _classifier(read, hidden)


def _masked_head(hidden: int, vocab: int) -> Iterator[Piece]:
    """bert.py BertMLMHead: its decoder is a matrix of its own, of the serving dtype."""
    yield Piece(hidden, hidden)
    yield vector(3 * hidden)
    yield Piece(vocab, hidden)
    yield vector(vocab)


def _colbert(read: Reader, hidden: int) -> Iterator[Piece]:
    """colbert.py ColBERTMixin; without a stated width the weights tell it."""
    width = read.integer("colbert_dim", "dim", "projection_dim", high=2**16)
    if width is not None:
        yield from _wide(width, hidden, bias=False)


def _bge_m3(read: Reader, hidden: int) -> Iterator[Piece]:
    """roberta.py BgeM3EmbeddingModel."""
    yield from _wide(1, hidden)
    yield from _wide(hidden, hidden)


def _ranking(read: Reader, hidden: int) -> Iterator[Piece]:
    """jina.py JinaForRanking, of the serving dtype."""
    yield Piece(hidden // 2, hidden)
    yield Piece(read.integer("embedding_size", high=2**16) or 512, hidden // 2)


def _labels_alone(read: Reader, hidden: int) -> Iterator[Piece]:
    """voyage.py VoyageQwen3BidirectionalEmbedModel, of the serving dtype."""
    yield Piece(_labels(read), hidden)


def _reward(read: Reader, hidden: int) -> Iterator[Piece]:
    """qwen2_rm.py Qwen2RewardBaseModel: its layers are shared."""
    yield Piece(hidden, hidden, cut="out", own_width=_WIDE)
    yield Piece(hidden, cut="out", own_width=_WIDE)
    yield Piece(_labels(read), hidden, cut="in", own_width=_WIDE)


_EMBEDDINGS: tuple[tuple[tuple[str, ...], Make], ...] = (
    (("ModernBert", "ColBERTModernBert"), _modern),
    (("Gte", "NomicBert", "JinaRoberta", "ColBERTJinaRoberta"), _rotary),
    (("Bert", "Roberta", "XLMRoberta", "HF_ColBERT", "BgeM3"), _bert),
)
_HEADS: dict[str, Make] = {
    "BertForSequenceClassification": _pooled_classifier,
    "RobertaForSequenceClassification": _pooled_classifier,
    "XLMRobertaForSequenceClassification": _pooled_classifier,
    "GteNewForSequenceClassification": _pooled_classifier,
    "ModernBertForSequenceClassification": _modern_classifier,
    "BertForTokenClassification": _classifier,
    "RobertaForTokenClassification": _classifier,
    "XLMRobertaForTokenClassification": _classifier,
    "ModernBertForTokenClassification": _modern_tokens,
    "HF_ColBERT": _colbert,
    "ColBERTModernBertModel": _colbert,
    "ColBERTJinaRobertaModel": _colbert,
    "BgeM3EmbeddingModel": _bge_m3,
}
_AFTER_DECODERS: dict[str, Make] = {
    "JinaForRanking": _ranking,
    "VoyageQwen3BidirectionalEmbedModel": _labels_alone,
    "Qwen2ForRewardModel": _reward,
    "Qwen2ForProcessRewardModel": _reward,
}
_POOLED_FILES = ("BertModel", "RobertaModel", "XLMRobertaModel")
"""Their checkpoints hold a pooler that an embedding model doesn't need."""
_MASKED = ("BertForMaskedLM", "BertSpladeSparseEmbeddingModel")
