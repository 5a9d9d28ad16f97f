"""The pages of state-space layers, and the blocks of the attention beside them.

vllm platforms/interface.py `_align_hybrid_block_size` (before 0.21 model_executor/models/config.py): an
attention page is made as large as a state's, then the state's is padded to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import lcm

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.memory.kv.specs import Spec
from modelcar_tui.memory.kv.widths import FLOATS
from modelcar_tui.memory.start import Start
from modelcar_tui.models import StateLayer

_NEMOTRON_TELLS = (0, 13)
"""From here on Nemotron-H's config.json says the state's dtype."""
_NEMOTRON_IS_WIDE = (0, 20)
"""From here on it is float32 where config.json is silent; before, float16."""
_NEMOTRON = ("NemotronHForCausalLM", "NemotronHPuzzleForCausalLM", "NemotronH_Nano_VL_V2")
"""The architectures whose dtype vLLM takes so (vllm model_executor/models/config.py MODELS_CONFIG_MAP)."""
_QWEN = ("Qwen3_5", "Qwen4Exp", "ColQwen3_5")
_WHOLE = ("ForConditionalGeneration", "ColQwen3_5")
_QWEN_TELLS, _QWEN_TEXT_TELLS = (0, 17), (0, 27)
"""From here on config.json says the state's dtype: of whole models, and of their text parts alone."""
_LATENT_STEP = {(0, 27): 128, (0, 20): 16, (0, 0): 64}
"""The tokens that a block beside MLA is a multiple of, by the release that began it."""
_ASKED_STEPS = (0, 20)
"""From here on a block that is asked for is the step of the raised one."""
_ALIGNED, _BY_DEFAULT = (0, 15), (0, 28)
"""From the first on there is `align`, for all kinds; from the second on it is what prefix caching means for
each kind, too."""
_KEEP_ALL = ("mamba1", "mamba2")
"""Kinds that can keep the state of each block."""
_CHUNK = 2048
"""Tokens that a kernel takes at once where config.json does not say (vllm config/model.py
`get_mamba_chunk_size`)."""
_GUESSES_COUNT = {"gdn": (0, 0), "mamba2": (0, 17), "kda": (0, 27), "conv": (0, 29)}
"""From here on a convolution keeps the tokens that are guessed ahead (mamba_utils.py, `num_spec`)."""
_HEARS_DTYPE = {"gdn": (0, 17), "kda": (0, 30), "mamba1": (0, 0), "mamba2": (0, 0)}
"""From here on `--mamba-ssm-cache-dtype` is heard (mamba_utils.py, `*_state_dtype`)."""
_CHECKPOINTS = {"kda": (0, 29), "mamba2": (0, 32), "gdn": (0, 33)}
"""From here on a prefill leaves the state of a block's end in a page of its own: KDA where FlashKDA runs it,
gated delta nets where FlashInfer's kernel does."""
_DELTA_STEP = 64
"""Their blocks are multiples of it then."""
_FLASH = 9.0
_BLACKWELL = 10.0
_FLASHINFER_KEYS = 128
"""Width of the keys that FlashInfer's kernel needs on Blackwell."""


def state_spec(start: Start, token: int, block: int) -> Spec:
    """A state layer's cache beside attention of `token` bytes a token in blocks of `block`; 0 bytes where
    there is no attention.
    """
    mode, context = state_mode(start), start.limits.context
    page = state_bytes(start)
    if token:
        page = max(page, block * token)
    guessed = start.args.num_speculative_tokens
    if mode == "all":
        return Spec(kind="state", block=block, page=page)
    kept = 1 + guessed
    if mode == "align":
        kept += 1 + checkpoints(start)
    return Spec(kind="state", block=block if mode == "align" else context, page=page, always=kept)


def aligned_block(start: Start, token: int, block: int) -> int:
    """Tokens of an attention block whose page holds a state.

    Args:
        token: bytes of one token in an attention layer.
        block: the tokens that it would have without states.
    """
    state, step = start.model.shape.state, _step(start)
    if start.profile.release >= _ASKED_STEPS:
        step = max(block, step)
    if state_mode(start) == "all" and state is not None:
        step = lcm(step, state.chunk or _CHUNK)
    return max(block, step * ceil_div(state_bytes(start), step * token))


def state_bytes(start: Start) -> int:
    """Bytes of one layer's state of one request, without padding."""
    state, tp = start.model.shape.state, start.args.tp
    if state is None:
        return 1
    guessed = start.args.num_speculative_tokens if _since(start, _GUESSES_COUNT, state) else 0
    conv = _channels(state, tp) // tp * (state.conv_kernel - 1 + guessed) * _conv_width(start)
    own = max(1, state.heads // tp) * state.state_a * state.state_b
    return max(1, conv + own * _width(start, state))


def state_mode(start: Start) -> str:
    """`none`, `align` or `all`: which states of a request are kept."""
    asked, state, release = start.args.mamba_cache_mode, start.model.shape.state, start.profile.release
    if not start.switches.prefix_caching.on or state is None:
        return "none"
    if state.kind not in _KEEP_ALL:
        return "align" if release >= _ALIGNED else "none"
    if release < _ALIGNED or asked == "all":
        return "all"
    return "align" if asked == "align" or release >= _BY_DEFAULT else "all"


def checkpoints(start: Start) -> int:
    """Pages beside the two of `align` in which a prefill leaves states on its way."""
    state = start.model.shape.state
    if state is None or not _since(start, _CHECKPOINTS, state):
        return 0
    if state.kind == "gdn":
        return int(_flashinfer(start))
    return int(state.kind == "mamba2" or (state.bounded and _capable(start, _FLASH)))


def _flashinfer(start: Start) -> bool:
    """Whether the delta net's prefill runs in FlashInfer's kernel, which leaves states on its way (vllm
    layers/mamba/gdn/qwen_gdn_linear_attn.py `_resolve_gdn_prefill_backend`); Olmo's never does.
    """
    state = start.model.shape.state
    if state is None or state.kind != "gdn" or not _since(start, _CHECKPOINTS, state):
        return False
    if start.model.shape.arch.startswith("Olmo"):
        return False
    return _capable(start, _FLASH) and (state.state_b == _FLASHINFER_KEYS or not _capable(start, _BLACKWELL))


def _capable(start: Start, least: float) -> bool:
    return (start.gpu.capability or 0.0) >= least


def _step(start: Start) -> int:
    step = 16
    if "mla" in start.model.shape.kinds:
        step = next(step for since, step in _LATENT_STEP.items() if start.profile.release >= since)
    return lcm(step, _DELTA_STEP) if _flashinfer(start) and state_mode(start) == "align" else step


def _channels(state: StateLayer, tp: int) -> int:
    """Of the convolution; groups that the GPUs can't share out are repeated (mamba_utils.py
    `extra_groups_for_head_shards`).
    """
    extra = 0 if state.groups % tp == 0 else tp - state.groups
    return state.conv_channels + 2 * extra * state.state_b * (state.kind == "mamba2")


def _width(start: Start, state: StateLayer) -> int:
    """Bytes of one number of the recurrent state."""
    asked = start.args.mamba_ssm_dtype
    if asked in FLOATS and _since(start, _HEARS_DTYPE, state):
        return FLOATS[asked]
    release, arch = start.profile.release, start.model.shape.arch
    if state.kind == "kda":
        return 4
    if arch.startswith(_NEMOTRON) and release >= _NEMOTRON_TELLS:
        return FLOATS.get(state.named_dtype) or (4 if release >= _NEMOTRON_IS_WIDE else 2)
    if arch.startswith(_QWEN) and release >= (_QWEN_TELLS if arch.endswith(_WHOLE) else _QWEN_TEXT_TELLS):
        return FLOATS.get(state.named_dtype) or _conv_width(start)
    return _conv_width(start)


def _conv_width(start: Start) -> int:
    """Bytes of one number of the convolution: `--mamba-cache-dtype`, else the serving dtype's."""
    return FLOATS.get(start.args.mamba_dtype) or start.model.width


def _since(start: Start, releases: Mapping[str, tuple[int, int]], state: StateLayer) -> bool:
    """Whether the release is one from that of the state's kind on; never where the kind has none."""
    return state.kind in releases and start.profile.release >= releases[state.kind]
