"""What leads from an encoder into the language model (vllm model_executor/models)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.models.towers.pieces import Piece, column, dense, layer_norm, row, vector
from modelcar_tui.models.towers.sizes import Sizes


def shared_mlp(inner: int, between: int, out: int, *, bias: bool = True) -> Iterator[Piece]:
    """A column-parallel layer, then a row-parallel one."""
    yield from column(between, inner, bias=bias)
    yield from row(out, between, bias=bias)


def whole_mlp(
    inner: int,
    between: int,
    out: int,
    *,
    bias: bool = True,
    layer: Callable[..., Iterator[Piece]] = dense,
) -> Iterator[Piece]:
    """Two layers that every GPU holds: PyTorch's, or vLLM's replicated ones."""
    yield from layer(between, inner, bias=bias)
    yield from layer(out, between, bias=bias)


def qformer(config: Sizes, encoder_width: int) -> Iterator[Piece]:
    """blip2.py Blip2QFormerModel: every second layer attends to the encoder, too; whole on every GPU."""
    hidden, count = config.need("hidden_size", default=768), config.need("num_hidden_layers", default=12)
    inter = config.need("intermediate_size", default=3072)
    wide = config.need("encoder_hidden_size", default=encoder_width)
    crossed = ceil_div(count, config.need("cross_attention_frequency", default=2))
    yield layer_norm(hidden)
    yield from dense(hidden, hidden, 4 * count)
    yield layer_norm(hidden, 2 * count)
    yield from dense(hidden, hidden, 2 * crossed)
    yield from dense(hidden, wide, 2 * crossed)
    yield layer_norm(hidden, crossed)
    yield from dense(inter, hidden, count)
    yield from dense(hidden, inter, count)


def granite_qformer(config: Sizes, out: int) -> Iterator[Piece]:
    """granite_speech.py GraniteSpeechEncoderProjector."""
    told = config.part("projector_config")
    hidden = told.need("hidden_size", default=768)
    window = config.need("window_size", default=15) // config.need("downsample_rate", default=5)
    yield vector(window * hidden)
    yield from qformer(told, told.need("encoder_hidden_size", default=1408))
    yield from dense(out, hidden)
