"""Models that hear: a sound encoder before a language model."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers import audio, projectors
from modelcar_tui.models.towers.encoders import Blocks, blocks
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import dense, layer_norm, replicated, vector
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, text_width

_NAME = "audio_tower"


def qwen2_audio(whole: Sizes) -> Iterator[Part]:
    """qwen2_audio.py: transformers' encoder and one layer, whole."""
    heard, text = whole.part("audio_config"), text_width(whole.given)
    yield part("audio", audio.whisper(heard, whole=True), name=_NAME)
    yield part("audio", dense(text, heard.need("d_model", "hidden_size")), name="multi_modal_projector")


def audio_flamingo(whole: Sizes) -> Iterator[Part]:
    """audioflamingo3.py: transformers' encoder and two layers, whole."""
    heard, text = whole.part("audio_config"), text_width(whole.given)
    yield part("audio", audio.whisper(heard, whole=True), name=_NAME)
    bias = whole.flag("projector_bias", default=True)
    width = heard.need("d_model", "hidden_size")
    yield part("audio", projectors.whole_mlp(width, text, text, bias=bias), name="multi_modal_projector")


def voxtral(whole: Sizes) -> Iterator[Part]:
    """voxtral.py: Whisper's encoder; its frames are joined and led through two whole layers."""
    heard, text = whole.part("audio_config"), text_width(whole.given)
    yield part("audio", audio.whisper(heard, whole=False, sines=True), name="whisper_encoder")
    joined = heard.need("d_model", "hidden_size") * heard.need("downsample_factor", default=4)
    yield part("audio", projectors.whole_mlp(joined, text, text, bias=False), name="audio_language_adapter")


def granite_speech(whole: Sizes) -> Iterator[Part]:
    """granite_speech.py."""
    heard = whole.part("encoder_config")
    yield part("audio", audio.granite_conformer(heard), name="encoder", quantized=False)
    pieces = projectors.granite_qformer(whole, text_width(whole.given))
    yield part("audio", pieces, name="projector")


def glm_asr(whole: Sizes) -> Iterator[Part]:
    """glmasr.py: a shared encoder with rotary positions, and a shared projector."""
    heard, text = whole.part("audio_config"), text_width(whole.given)
    hidden, heads = heard.need("hidden_size"), heard.need("num_attention_heads")
    pieces = [*dense(hidden, 3 * heard.need("num_mel_bins", default=128)), *dense(hidden, 3 * hidden)]
    it = Blocks(
        hidden=hidden,
        inter=heard.need("intermediate_size"),
        heads=heads,
        kv_heads=heard.maybe("num_key_value_heads") or 0,
        count=heard.need("num_hidden_layers"),
    )
    yield part("audio", [*pieces, *blocks(it), layer_norm(hidden)], name=_NAME)
    mlp = projectors.shared_mlp(heard.need("intermediate_size"), 2 * text, text)
    yield part("audio", mlp, name="multi_modal_projector")


def ultravox(whole: Sizes) -> Iterator[Part]:
    """ultravox.py: Whisper's encoder, vLLM's since 0.28, and whole layers on joined frames."""
    if whole.maybe("num_projector_layers"):
        raise MissingSizeError("a projector without layers of its own, which alone was read")
    heard, text = whole.part("audio_config"), text_width(whole.given)
    yield part("audio", audio.whisper(heard, whole=False), name=_NAME, cut_since=(0, 28))
    joined = heard.need("d_model", "hidden_size") * whole.need("stack_factor", default=8)
    wide = whole.need("hidden_size", default=4096)
    between = wide // 2 if (whole.text("projector_act") or "swiglu") == "swiglu" else wide
    pieces = [vector(joined), *replicated(wide, joined, bias=False), *replicated(text, between, bias=False)]
    pieces.append(vector(between if whole.flag("projector_ln_mid") else text))
    yield part("audio", pieces, name="multi_modal_projector")
