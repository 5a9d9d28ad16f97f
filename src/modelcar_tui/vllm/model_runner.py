"""Which of vLLM's model runners serves: v1/worker/gpu_model_runner.py, or v1/worker/gpu/model_runner.py (V2).

Read from `use_v2_model_runner` of config/vllm.py, 0.22 to 0.33.
"""

from __future__ import annotations

from modelcar_tui.models import Shape
from modelcar_tui.vllm.arguments.engine_args import EngineArgs
from modelcar_tui.vllm.profile import Profile
from modelcar_tui.vllm.switches import draft_method

Release = tuple[int, int]
_FIRST, _DENSE, _ALL = (0, 22), (0, 25), (0, 29)
"""From here on V2 serves a few dense models that are not quantized, all that generate without states and
experts, whatever it can."""
_QUANTIZED = (0, 24)
_NEWEST = (99, 0)
_LISTED: dict[str, tuple[Release, Release]] = {
    "Qwen3ForCausalLM": ((0, 22), _DENSE),
    "LlamaForCausalLM": ((0, 23), _DENSE),
    "MistralForCausalLM": ((0, 23), _DENSE),
    "DeepseekV2ForCausalLM": ((0, 24), _ALL),
    "GraniteMoeForCausalLM": ((0, 24), _ALL),
    "Qwen2MoeForCausalLM": ((0, 24), _ALL),
    "InklingForCausalLM": ((0, 26), _ALL),
    "InklingForConditionalGeneration": ((0, 26), _ALL),
    "LongcatFlashNgramForCausalLM": ((0, 26), _ALL),
    "KimiK3ForConditionalGeneration": ((0, 27), _ALL),
    "DeepseekV4ForCausalLM": ((0, 28), _ALL),
}
"""Named by DEFAULT_V2_MODEL_RUNNER_ARCHITECTURES, until the release that needs no name any more."""
_NOT_ON_ROCM: dict[str, tuple[Release, Release]] = {
    "KimiK3ForConditionalGeneration": ((0, 27), (0, 28)),
    "DeepseekV4ForCausalLM": ((0, 28), (0, 32)),
    "DeepseekV32ForCausalLM": ((0, 29), (0, 32)),
    "GlmMoeDsaForCausalLM": ((0, 30), (0, 32)),
}
_DRAFTS: dict[str, Release] = {
    "eagle": (0, 22),
    "eagle3": (0, 22),
    "mtp": (0, 22),
    "dflash": (0, 25),
    "dspark": (0, 25),
    "extract_hidden_states": (0, 29),
    "draft_model": (0, 31),
    "ngram": (0, 32),
    "ngram_gpu": (0, 32),
    "medusa": (0, 33),
    "mlp_speculator": (0, 33),
}
"""Ways to draft that V2 has, from which release on."""
_EAGLE3_IN_PARTS = (0, 30)
"""From here on EAGLE-3 drafts over pipeline ranks, too."""
_EVERY_LOGITS = (0, 26)
"""From here on it returns logits, too (`--logprobs-mode`)."""
_ALL_STATES = (0, 30), (0, 32)
"""Releases in which it does not keep states at all blocks (`--mamba-cache-mode all`)."""


def runs_model_runner_v2(
    shape: Shape, args: EngineArgs, profile: Profile, *, quantized: bool, amd: bool
) -> bool:
    """Whether V2 serves.

    Args:
        shape: of the model.
        args: what is asked of the engine.
        profile: the release, and what is told of VLLM_USE_V2_MODEL_RUNNER.
        quantized: whether the checkpoint is, or is quantized while it loads.
        amd: whether it runs on ROCm.
    """
    release = profile.release
    if profile.engine_v0 or release < _FIRST:
        return False
    if profile.runner_v2 is not None:
        return profile.runner_v2
    if args.speculative and draft_method(args) == "dspark" and release >= _DRAFTS["dspark"]:
        return True  # nothing else has it
    if amd and _within(_NOT_ON_ROCM, shape.arch, release):
        return False
    return _by_default(shape, args, release, quantized=quantized) and _can(args, release)


def _by_default(shape: Shape, args: EngineArgs, release: Release, *, quantized: bool) -> bool:
    if release >= _ALL:
        return True
    experts, states = any(shape.experts_at), "state" in shape.kinds
    if args.pooling or shape.pooling:
        return False
    if release < _DENSE:
        listed = _within(_LISTED, shape.arch, release)
        return listed and (release >= _QUANTIZED or not (experts or quantized))
    if _within(_LISTED, shape.arch, release):
        return True
    return not (experts or states)


def _can(args: EngineArgs, release: Release) -> bool:
    """Whether it has all that is asked for, of what the arguments tell
    (`_get_v2_model_runner_unsupported_features`)."""
    if args.logprobs_mode in ("raw_logits", "processed_logits") and release < _EVERY_LOGITS:
        return False
    if args.executor == "external_launcher" and args.pp > 1:
        return False
    if args.mamba_cache_mode == "all" and _ALL_STATES[0] <= release < _ALL_STATES[1]:
        return False
    if not args.speculative:
        return True
    drafts = _family(draft_method(args))
    over_nodes = drafts == "eagle3" and args.pp > 1 and release < _EAGLE3_IN_PARTS
    return not over_nodes and release >= _DRAFTS.get(drafts, _NEWEST)


def _family(method: str) -> str:
    return "mtp" if method.endswith("mtp") else method.strip("[]")


def _within(named: dict[str, tuple[Release, Release]], arch: str, release: Release) -> bool:
    since, until = named.get(arch, (_NEWEST, _NEWEST))
    return since <= release < until
