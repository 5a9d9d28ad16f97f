"""Phi's models that see and hear: towers of fixed sizes, which config.json names and doesn't describe."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers import vits
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import Piece, dense, layer_norm, shared_table, table, vector
from modelcar_tui.models.towers.projectors import whole_mlp
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, text_width

_CLIP = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
_CLIP |= {"image_size": 336, "patch_size": 14, "num_channels": 3}
_SIGLIP = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}
_SIGLIP |= {"image_size": 448, "patch_size": 14, "num_channels": 3}


def phi3v(whole: Sizes) -> Iterator[Part]:
    """phi3v.py: CLIP up to the layer that is taken, whole layers; the token embedding is held twice."""
    told, text = whole.part("img_processor"), text_width(whole.given)
    clip = Sizes("vision tower", _CLIP)
    pieces = vits.clip(clip, layers=_up_to(told, clip), post_norm=False)
    yield part("vision", pieces, name="vision_embed_tokens.img_processor")
    merged = 4 * told.need("image_dim_out", default=1024)
    projector = [vector(merged, 2), *whole_mlp(merged, text, text)]
    yield part("vision", projector, name="vision_embed_tokens.img_projection")
    again = [shared_table(whole.need("vocab_size"), text)]
    yield part("vision", again, name="embed_tokens", always=True)


def phi4mm(whole: Sizes) -> Iterator[Part]:
    """phi4mm.py: SigLIP's layers, never quantized, and a conformer that every GPU holds."""
    text, siglip = text_width(whole.given), Sizes("vision tower", _SIGLIP)
    layers = _up_to(whole.part("img_processor"), siglip)
    pieces = vits.siglip(siglip, ids=False, post_norm=False, layers=layers)
    yield part("vision", pieces, name="vision_encoder", quantized=False)
    width = siglip.need("hidden_size")
    yield part("vision", [vector(width, 2), *whole_mlp(width, text, text)], name="vision_encoder")
    heard = whole.part("audio_processor")
    if heard.text("name") != "cascades":
        raise MissingSizeError(f"a known kind of audio tower (its name is `{heard.text('name')}`)")
    encoder = heard.part("config")
    yield part("audio", _conformer(encoder), name="embed_tokens_extend")
    yield part("audio", _audio_projector(whole, encoder.need("attention_dim"), text))


def _up_to(told: Sizes, tower: Sizes) -> int:
    chosen = told.maybe("layer_idx", low=-4096)
    chosen = -2 if chosen is None else chosen
    return tower.need("num_hidden_layers") + chosen + 1 if chosen < 0 else chosen + 1


def _audio_projector(whole: Sizes, width: int, text: int) -> Iterator[Piece]:
    """phi4mm_audio.py AudioEmbedding: one for speech, and one for speech about an image."""
    told = whole.part("embd_layer").part("audio_embd_layer")
    if told.flag("use_qformer") or told.flag("use_conv_downsample"):
        raise MissingSizeError("how its audio tower's frames are joined")
    if told.text("projection_cls") != "mlp":
        yield from dense(text, width)
        return
    joined = width * told.need("downsample_rate", default=1)
    for _ in range(2):
        yield from whole_mlp(joined, text, text)


def _conformer(told: Sizes) -> Iterator[Piece]:
    """phi4mm_audio.py ConformerEncoder."""
    width, count = told.need("attention_dim"), told.need("num_blocks", default=6)
    inter, bands = told.need("linear_units"), told.need("input_size")
    yield from _subsampling(told, width, bands)
    yield vector(2 * bands)
    bias = told.part("relative_attention_bias_args")
    buckets = bias.need("t5_bias_max_distance", default=1000) * (1 if bias.flag("t5_bias_symmetric") else 2)
    yield table(buckets, told.need("attention_heads"))
    yield from dense(2 * inter, width, 2 * count)
    yield from dense(width, inter, 2 * count)
    yield from dense(width, width, 4 * count)
    yield from _convolution(told, width, count)
    yield layer_norm(width, 5 * count)


def _convolution(told: Sizes, width: int, count: int) -> Iterator[Piece]:
    """phi4mm_utils.py ConvModule."""
    out = told.need("ext_pw_out_channel", default=width)
    kernel = told.need("ext_pw_kernel_size", default=1)
    deep = width * told.need("depthwise_multiplier", default=1)
    apart = told.need("depthwise_seperable_out_channel", default=width)
    yield from dense(2 * out, width * kernel, count)
    yield vector(2 * out, count)
    yield from dense(deep, told.need("kernel_size", default=3), count)
    yield from dense(apart, deep, count)
    yield from dense(out, width * kernel, count)
    yield from dense(width, apart, count if apart != width else 0)
    yield from dense(width, out, count if out != width else 0)


def _subsampling(told: Sizes, width: int, bands: int) -> Iterator[Piece]:
    """phi4mm_utils.py NemoConvSubsampling: each step halves the bands; all but the first are depthwise."""
    channels = told.part("nemo_conv_settings").need("conv_channels", default=256)
    steps = told.need("time_reduction", default=4).bit_length() - 1
    yield from dense(channels, 9, steps)
    yield from dense(channels, channels, steps - 1)
    for _ in range(steps):
        bands = (bands + 1) // 2
    yield from dense(width, channels * bands)
