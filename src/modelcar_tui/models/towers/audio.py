"""Encoders of sound (vllm model_executor/models)."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers.encoders import Blocks, blocks
from modelcar_tui.models.towers.pieces import Piece, buffer, column, dense, layer_norm, row, table, vector
from modelcar_tui.models.towers.sizes import Sizes


def whisper_blocks(audio: Sizes, *, whole: bool) -> Blocks:
    """Layers of Whisper's encoder, in vLLM's layers or in transformers' own."""
    return Blocks(
        hidden=audio.need("d_model", "hidden_size"),
        inter=audio.need("encoder_ffn_dim", "intermediate_size"),
        heads=audio.need("encoder_attention_heads", "num_attention_heads"),
        count=audio.need("encoder_layers", "num_hidden_layers"),
        key_bias=not whole,
        whole_attention=whole,
        whole_mlp=whole,
        vllm_layers=False,
    )


def whisper(audio: Sizes, *, whole: bool, sines: bool = False) -> Iterator[Piece]:
    """whisper.py WhisperEncoder, and transformers' own, which is `whole` on every GPU.

    Args:
        sines: positions are a computed table in 32 bits that no checkpoint holds.
    """
    it = whisper_blocks(audio, whole=whole)
    yield from dense(it.hidden, 3 * audio.need("num_mel_bins", default=80))
    yield from dense(it.hidden, 3 * it.hidden)
    positions = audio.need("max_source_positions", default=1500)
    yield buffer(positions, it.hidden) if sines else table(positions, it.hidden)
    yield from blocks(it)
    yield layer_norm(it.hidden)


def qwen2_omni_audio(audio: Sizes) -> Iterator[Piece]:
    """transformers' Qwen2_5OmniAudioEncoder, which vLLM takes as it is (qwen2_5_omni_thinker.py)."""
    hidden, out = audio.need("d_model"), audio.need("output_dim")
    yield from whisper(audio, whole=True, sines=True)
    yield table(2, out)
    yield from dense(out, hidden)


def qwen3_audio(audio: Sizes) -> Iterator[Piece]:
    """qwen3_omni_moe_thinker.py Qwen3OmniMoeAudioEncoder, qwen3_asr.py's too."""
    it = whisper_blocks(audio, whole=False)
    wide = audio.need("downsample_hidden_size")
    bins = audio.need("num_mel_bins")
    for _ in range(3):
        bins = (bins + 1) // 2
    yield from dense(wide, 9)
    yield from dense(wide, 9 * wide, 2)
    yield from dense(it.hidden, wide * bins, bias=False)
    yield buffer(audio.need("max_source_positions", default=1500), it.hidden)
    yield from blocks(it)
    yield layer_norm(it.hidden)
    yield from dense(it.hidden, it.hidden)
    yield from dense(audio.need("output_dim"), it.hidden)


def granite_conformer(audio: Sizes) -> Iterator[Piece]:
    """granite_speech.py GraniteSpeechCTCEncoder: its MLPs and its outputs are shared, the rest is whole."""
    hidden, count = audio.need("hidden_dim"), audio.need("num_layers")
    inter = hidden * audio.need("feedforward_mult", default=4)
    inner = audio.need("num_heads") * audio.need("dim_head")
    channels = hidden * audio.need("conv_expansion_factor", default=2)
    yield from dense(hidden, audio.need("input_dim"))
    yield from column(inter, hidden, 2 * count)
    yield from row(hidden, inter, 2 * count)
    yield layer_norm(hidden, 5 * count)
    yield from dense(inner, hidden, count, bias=False)
    yield from dense(2 * inner, hidden, count, bias=False)
    yield from dense(hidden, inner, count)
    yield Piece(2 * audio.need("max_pos_emb", default=512) + 1, audio.need("dim_head"), count)
    yield from dense(2 * channels, hidden, count)
    yield from dense(channels, audio.need("conv_kernel_size", default=15), count, bias=False)
    yield vector(4 * channels, count)
    yield from dense(hidden, channels, count)
    out = audio.need("output_dim")
    yield from column(out, hidden)
    yield from column(hidden, out)


def gemma_conformer(audio: Sizes, *, hidden: int, count: int, kernel: int) -> Iterator[Piece]:
    """Layers of Gemma 3n's and 4's sound encoder, transformers' own on every GPU."""
    yield from dense(4 * hidden, hidden, 2 * count, bias=False)
    yield from dense(hidden, 4 * hidden, 2 * count, bias=False)
    yield from dense(5 * hidden, hidden, count, bias=False)
    yield from dense(3 * hidden, hidden, count, bias=False)
    yield Piece(hidden, kernel, count)
    heads = audio.need("num_attention_heads", "conf_num_attention_heads")
    yield vector(9 * hidden + hidden // heads, count)


def gemma_stem(audio: Sizes, hidden: int, channels: tuple[int, int]) -> Iterator[Piece]:
    """Two convolutions over the spectrum, each of which halves its 128 bands."""
    first, second = channels
    yield from dense(first, 9, bias=False)
    yield from dense(second, 9 * first, bias=False)
    yield vector(first + second)
    yield from dense(hidden, second * audio.need("input_feat_size", default=128) // 4, bias=False)


def gemma4_audio(audio: Sizes) -> Iterator[Piece]:
    """gemma4_mm.py's audio tower."""
    hidden, count = audio.need("hidden_size"), audio.need("num_hidden_layers")
    first, second = (*audio.listing("subsampling_conv_channels"), 128, 32)[:2]
    yield from gemma_stem(audio, hidden, (first, second))
    yield from gemma_conformer(
        audio, hidden=hidden, count=count, kernel=audio.need("conv_kernel_size", default=5)
    )
    out = audio.need("output_proj_dims", default=hidden)
    yield from dense(out, hidden)


def gemma3n_audio(audio: Sizes) -> Iterator[Piece]:
    """gemma3n_mm.py's audio tower."""
    hidden, count = audio.need("hidden_size"), audio.need("conf_num_hidden_layers")
    first, second = (*audio.listing("sscp_conv_channel_size"), 128, 32)[:2]
    yield from gemma_stem(audio, hidden, (first, second))
    kernel = audio.need("conf_conv_kernel_size", default=5)
    yield from gemma_conformer(audio, hidden=hidden, count=count, kernel=kernel)
    yield buffer(hidden // 2, 1, count)


def parakeet(sound: Sizes) -> Iterator[Piece]:
    """transformers' ParakeetEncoder, whole on every GPU (parakeet.py)."""
    hidden, count = sound.need("hidden_size", default=1024), sound.need("num_hidden_layers", default=24)
    inter, kernel = sound.need("intermediate_size", default=4096), sound.need("conv_kernel_size", default=9)
    channels = sound.need("subsampling_conv_channels", default=256)
    area = sound.need("subsampling_conv_kernel_size", default=3) ** 2
    factor = sound.need("subsampling_factor", default=8)
    bias = sound.flag("convolution_bias", default=True)
    yield from dense(channels, area)
    steps = factor.bit_length() - 2
    yield from dense(channels, area, steps)
    yield from dense(channels, channels, steps)
    yield from dense(hidden, channels * (sound.need("num_mel_bins", default=80) // factor))
    yield from dense(inter, hidden, 2 * count, bias=False)
    yield from dense(hidden, inter, 2 * count, bias=False)
    yield from dense(hidden, hidden, 5 * count, bias=False)
    yield vector(2 * hidden, count)
    yield from dense(2 * hidden, hidden, count, bias=bias)
    yield from dense(hidden, kernel, count, bias=bias)
    yield from dense(hidden, hidden, count, bias=bias)
    yield vector(4 * hidden, count)
    yield layer_norm(hidden, 5 * count)
    yield buffer(hidden // 2)
