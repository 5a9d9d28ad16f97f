"""What the model itself can't do: another runner, states without chunked prefill, media it does not take."""

from __future__ import annotations

from modelcar_tui.models import makes_no_text
from modelcar_tui.vllm.refused.asked import Asked, Refusal, Refusals, needs

_RUNNER, _CONVERT = "--runner", "--convert"
_CHUNKED, _PREFIX, _MODE = "--enable-chunked-prefill", "--enable-prefix-caching", "--mamba-cache-mode"
_STATE_BLOCK, _STATE_TYPE = "--mamba-block-size", "--mamba-ssm-cache-dtype"
_ROUNDING, _STATE_BACKEND = "--enable-mamba-cache-stochastic-rounding", "--mamba-backend"
_CACHE = "--kv-cache-dtype"
_ALIGNED = ("0.16.0", "0.28.0")
"""Since when states can be cached at block borders, and since when hybrid models do so by default."""
_SHARED_CACHE = ("--mm-shm-cache-max-object-size-mb", "--mm-processor-cache-type")


def models(asked: Asked) -> Refusals:
    """ModelConfig, the states of hybrid models, the processors of multimodal ones."""
    yield from _runner(asked)
    yield from _states(asked)
    yield from _state_kernels(asked)
    yield from _cache(asked)
    yield from _media(asked)


def _runner(asked: Asked) -> Refusals:
    """ModelConfig.__post_init__: a model that makes embeddings or scores generates no text."""
    shape = asked.shape
    if not asked.since("0.10.1"):
        return
    pools = makes_no_text(asked.architecture) or (shape is not None and shape.encoder_only)
    if asked.text(_RUNNER) == "generate" and pools:
        what = f"{asked.architecture} makes embeddings or scores: it does not go with {_RUNNER} generate"
        yield Refusal(code="runner", flag=_RUNNER, what=what)
    if asked.text(_RUNNER) == "pooling" and asked.text(_CONVERT) == "none" and shape and not pools:
        what = f"{asked.architecture} pools nothing by itself: it needs {_CONVERT}"
        yield Refusal(code="runner", flag=_CONVERT, what=what)


def _states(asked: Asked) -> Refusals:
    """MambaModelConfig.verify_and_update_config, VllmConfig.validate_mamba_block_size."""
    shape = asked.shape
    cached = asked.on(_PREFIX)
    hybrid = shape is not None and {"state"} < set(shape.kinds)
    by_mode = cached and asked.text(_MODE) == "align" and asked.since(_ALIGNED[0])
    by_default = cached is not False and asked.since(_ALIGNED[1])
    if hybrid and asked.on(_CHUNKED) is False and (by_mode or by_default):
        what = "prefix caching of the model's states needs chunked prefill"
        fix = "delete it, or add --no-enable-prefix-caching"
        yield Refusal(code="state-cache", flag=_CHUNKED, what=what, fix=fix)
    if asked.number(_STATE_BLOCK) and cached is False and asked.since("0.11.1"):
        yield needs(_STATE_BLOCK, "prefix caching")
    if asked.on("--use-replayssm") and shape is not None and shape.state is None:
        what = f"--use-replayssm: {asked.architecture} has no states to replay"
        yield Refusal(code="state-cache", flag="--use-replayssm", what=what)


def _state_kernels(asked: Asked) -> Refusals:
    """MambaConfig: how the states are rounded and stepped."""
    if asked.on(_ROUNDING) and asked.text(_STATE_TYPE) != "float16":
        yield needs(_ROUNDING, f"{_STATE_TYPE} float16")
    if asked.text("--mamba-ssu-algorithm") and asked.text(_STATE_BACKEND) != "flashinfer":
        yield needs("--mamba-ssu-algorithm", f"{_STATE_BACKEND} flashinfer")


def _cache(asked: Asked) -> Refusals:
    """VllmConfig.validate_nvfp4_kv_cache_with_mla."""
    kind, shape = asked.text(_CACHE), asked.shape
    plain = kind.startswith("nvfp4") and not kind.endswith("_ds_mla")
    if plain and shape is not None and shape.mla is not None and asked.since("0.21.0"):
        what = f"{_CACHE} {kind} does not go with multi-head latent attention"
        yield Refusal(code="cache-type", flag=_CACHE, what=what, fix="delete it, or write fp8")


def _media(asked: Asked) -> Refusals:
    """MultiModalConfig._validate_multimodal_config, ModelConfig.validate_model_config_after."""
    embeds, shape = "--enable-prompt-embeds", asked.shape
    if asked.on(embeds) and shape is not None and shape.encoder_layers and asked.since("0.29.0"):
        yield Refusal(code="runner", flag=embeds, what=f"{embeds} does not go with an encoder and a decoder")
    size, kind = _SHARED_CACHE
    if asked.has(size) and asked.number(size) != 128 and asked.text(kind) != "shm" and asked.since("0.11.1"):
        yield needs(size, f"{kind} shm")
    paths = ("--mm-encoder-fp8-scale-path", "--mm-encoder-fp8-scale-save-path")
    if (flag := next((one for one in paths if asked.has(one)), "")) and (
        asked.text("--mm-encoder-attn-dtype") != "fp8"
    ):
        yield needs(flag, "--mm-encoder-attn-dtype fp8")
