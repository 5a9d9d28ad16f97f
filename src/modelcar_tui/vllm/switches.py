"""What a release turns on or off by the way: the engine's features that arguments and models change
indirectly.

Each answer is on, off, or not known, with the reason. The rules are vLLM's config (config/vllm.py
`VllmConfig.__post_init__`, config/__init__.py and config.py before 0.11.1, engine/arg_utils.py,
platforms/cuda.py); what of them is a value by release is read from `switches.json` and `defaults.json`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from modelcar_tui.models import Shape, may_generate
from modelcar_tui.vllm.arguments.engine_args import EngineArgs
from modelcar_tui.vllm.profile import Profile
from modelcar_tui.vllm.release import Version
from modelcar_tui.vllm.value_table import default_table, switch_table

_CHUNKED_LOCAL = "VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE"
_CONNECTORS = "connectors with the hybrid KV cache manager"
_GPUS = ("nvidia", "gfx")
_MANAGER = (0, 9, 1)
"""The first release with a hybrid KV cache manager."""
_MAY_BE_ASKED_FOR = (0, 13, 0)
"""From here on `--no-disable-hybrid-kv-cache-manager` is a wish that vLLM keeps or refuses."""
_CONNECTORS_ARE_ASKED = (0, 11, 1)
"""From here on a connector that the manager does not work with is refused beside it."""
_CONNECTORS_DECIDE = (0, 21, 0)
"""From here on a connector leaves the manager on where it works with it; before, none does."""
_OFFLOADING_IS_ONE = (0, 22, 0)
"""From here on `--kv-offloading-size` counts as a connector when the manager is decided about."""
_ONE_ENGINE = (0, 11, 0)
"""The first release without the old engine, which served states and encoders before."""
_EVENTS = ((0, 9, 1), (0, 20, 0))
_CHUNKED_EAGLE = (0, 10, 0)
_HYBRID_PREFIXES = (0, 26)
"""From here on hybrids of attention and states share prefixes by default."""
_ADAPTED = "ForSequenceClassification"
"""A causal model that vLLM turns into a pooling one keeps what it had."""
_BY_HIDDEN_STATES = ("eagle", "eagle3", "dflash", "dspark")
_ASYNC_DRAFTS = ("eagle", "eagle3", "extract_hidden_states")
_ASYNC_EXECUTORS = ("mp", "uni", "external_launcher")
_POOLS_CHUNKED = (0, 11, 1)
_GRAPHS_WITHOUT = (0, 30, 0)
"""From here on graphs of decoding are captured without vLLM's own compilation, too."""
_FULL_MODES = ("FULL", "FULL_DECODE_ONLY", "FULL_AND_PIECEWISE")


class EngineSwitch(msgspec.Struct, frozen=True):
    """One feature: whether it is on (None: not known), and why, where it is not as usual."""

    on: bool | None
    why: str = ""


class EngineSwitches(msgspec.Struct, frozen=True, kw_only=True):
    """The features of one server."""

    hybrid_manager: EngineSwitch
    chunked_prefill: EngineSwitch
    prefix_caching: EngineSwitch
    async_scheduling: EngineSwitch
    cuda_graphs: EngineSwitch


def engine_switches(
    shape: Shape, args: EngineArgs, profile: Profile, column: str, context: int
) -> EngineSwitches:
    """The features of a server with this model and these arguments.

    Args:
        column: of the hardware (`hardware/vendor.py`): `nvidia`, `gfx942`, ...
        context: tokens of a request at most.
    """
    return EngineSwitches(
        hybrid_manager=_hybrid_manager(shape, args, profile, column),
        chunked_prefill=_chunked_prefill(shape, args, profile, context),
        prefix_caching=_prefix_caching(shape, args, profile),
        async_scheduling=_async_scheduling(shape, args, profile),
        cuda_graphs=_cuda_graphs(args, profile),
    )


def manager_refused(shape: Shape, args: EngineArgs, profile: Profile, column: str) -> str:
    """Why vLLM stops over the hybrid KV cache manager; empty where it does not."""
    on = _hybrid_manager(shape, args, profile, column).on
    wished = args.hybrid_kv_manager is True and profile.number >= _MAY_BE_ASKED_FOR
    barred = _needs_it_off(shape, args, profile)
    if wished and barred:
        return f"--no-disable-hybrid-kv-cache-manager asks for what vLLM has to switch off: {barred}"
    connectors = () if args.kv_connector_module else args.kv_connectors or _offloading(args, profile)
    unable = _unable(connectors, profile)
    if on and unable and profile.number >= _CONNECTORS_ARE_ASKED:
        return f"the connector {unable} does not work with the hybrid KV cache manager"
    if on is False and profile.number >= _ONE_ENGINE and _kinds_left(shape) > 1:
        why = _hybrid_manager(shape, args, profile, column).why
        return f"this model's layers need the hybrid KV cache manager, which is off: {why}"
    return ""


def _hybrid_manager(shape: Shape, args: EngineArgs, profile: Profile, column: str) -> EngineSwitch:
    if profile.engine_v0 or profile.number < _MANAGER:
        return EngineSwitch(False, f"vLLM {profile.label} has none")
    if args.hybrid_kv_manager is False:
        return EngineSwitch(False, "--disable-hybrid-kv-cache-manager")
    if barred := _needs_it_off(shape, args, profile):
        return EngineSwitch(False, barred)
    if args.hybrid_kv_manager is True and profile.number >= _MAY_BE_ASKED_FOR:
        return EngineSwitch(True, "--no-disable-hybrid-kv-cache-manager")
    connectors = args.kv_connectors
    if not connectors and profile.number >= _OFFLOADING_IS_ONE:
        connectors = _offloading(args, profile)
    if connectors and profile.number < _CONNECTORS_DECIDE:
        return EngineSwitch(False, f"the connector {connectors[0]}")
    if connectors and args.kv_connector_module:
        return EngineSwitch(
            None, f"whether the connector of {args.kv_connector_module} works with the manager"
        )
    if unable := _unable(connectors, profile):
        return EngineSwitch(False, f"the connector {unable}")
    return (
        EngineSwitch(True) if column.startswith(_GPUS) else EngineSwitch(None, f"no source says for {column}")
    )


def _needs_it_off(shape: Shape, args: EngineArgs, profile: Profile) -> str:
    """What a release can't have beside the hybrid manager, whatever is asked for."""
    if args.kv_events and _EVENTS[0] <= profile.number < _EVENTS[1]:
        return "--kv-events-config"
    if not shape.chunk or profile.number < _CHUNKED_EAGLE:
        return ""
    if _drafts_by_hidden_states(args):
        return "chunked local attention with such drafts"
    allowed = switch_table().value("environment", _CHUNKED_LOCAL, _told(profile))
    return f"chunked local attention ({_CHUNKED_LOCAL} is not set)" if allowed is False else ""


def _offloading(args: EngineArgs, profile: Profile) -> tuple[str, ...]:
    """The connector that `--kv-offloading-size` brings along (`_post_init_kv_transfer_config`); none where
    the release has no backend by default and none is named.
    """
    if not args.kv_offloading_gib:
        return ()
    flag = "--kv-offloading-backend"
    backend = args.kv_offloading_backend or default_table().value("arguments", flag, _told(profile))
    if not backend:
        return ()
    return ("LMCacheConnectorV1" if backend == "lmcache" else "OffloadingConnector",)


def _unable(connectors: tuple[str, ...], profile: Profile) -> str:
    """The first connector that does not work with the manager; a MultiConnector does where all of it do."""
    able = switch_table().group(_CONNECTORS, _told(profile)) if connectors else {}
    return next((name for name in connectors if name not in able), "")


def _kinds_left(shape: Shape) -> int:
    """Kinds of layers whose caches can't be made one: windows and chunks become full attention beside it
    (vllm v1/core/kv_cache_utils.py `unify_hybrid_kv_cache_specs`).
    """
    kinds = {"full" if kind == "mla" else kind for kind in shape.kinds if kind != "none"}
    if shape.family.parallel:
        kinds.add("state")
    if shape.encoder_layers and not shape.encoder_only:
        kinds.add("cross")
    return len(kinds - {"sliding", "chunked"} if "full" in kinds else kinds)


def _chunked_prefill(shape: Shape, args: EngineArgs, profile: Profile, context: int) -> EngineSwitch:
    if args.chunked_prefill is not None:
        return _told_by_argument(args.chunked_prefill)
    if profile.engine_v0:
        return EngineSwitch(context > 32768, "the old engine turns it on above 32,768 tokens of context")
    if shape.encoder_only:
        return EngineSwitch(False, "attention looks both ways")
    if shape.pooling:
        unsure = profile.number >= _POOLS_CHUNKED
        return EngineSwitch(None if unsure else False, "it hangs on how the model pools")
    return EngineSwitch(True)


def _prefix_caching(shape: Shape, args: EngineArgs, profile: Profile) -> EngineSwitch:
    if args.prefix_caching is not None:
        return _told_by_argument(args.prefix_caching)
    if profile.engine_v0:
        return EngineSwitch(False, "the old engine has it by argument only")
    if shape.encoder_only or shape.encoder_layers:
        return EngineSwitch(False, "encoders have none")
    if shape.state is None and not shape.family.parallel:
        return EngineSwitch(None if shape.pooling else True)
    if shape.family.stateful:
        return EngineSwitch(False, "states without attention")
    if shape.pooling:
        return EngineSwitch(shape.arch.endswith(_ADAPTED), "states that are pooled")
    return EngineSwitch(profile.release >= _HYBRID_PREFIXES, "attention beside states")


def _async_scheduling(shape: Shape, args: EngineArgs, profile: Profile) -> EngineSwitch:
    if args.async_scheduling is not None:
        return _told_by_argument(args.async_scheduling)
    release = profile.number
    if default_table().value("arguments", "--async-scheduling", _told(profile)) is False or release < (0, 14):
        return EngineSwitch(False, f"vLLM {profile.label} has it by argument only")
    return next(_synchronous(shape, args, release), EngineSwitch(True))


def _synchronous(shape: Shape, args: EngineArgs, release: Version) -> Iterator[EngineSwitch]:
    """What keeps a step from being scheduled before the last one is done, in vLLM's order."""
    if args.executor == "ray":
        yield _off_before((0, 20), release, "ray")
    elif args.executor not in ("", *_ASYNC_EXECUTORS):
        yield EngineSwitch(False, args.executor)
    if (args.pooling or shape.pooling) and release >= (0, 20):
        yield EngineSwitch(None if may_generate(shape.arch) and not args.pooling else False, "pooling")
    if args.pp > 1 and not (0, 16) <= release < (0, 31):
        yield _off_before((0, 16), release, "pipeline parallel")
    if args.speculative and not _drafts_beside_it(args, release):
        yield _off_before((0, 33), release, "speculative decoding")
    if (0, 16) <= release < (0, 17) and shape.state is not None and args.prefix_caching:
        yield EngineSwitch(False, "prefix caching of states")


def _off_before(first: Version, release: Version, why: str) -> EngineSwitch:
    """Off before a release; from that one on nobody knows."""
    return EngineSwitch(False if release < first else None, why)


def _told_by_argument(on: bool) -> EngineSwitch:
    return EngineSwitch(on, "it is asked for" if on else "by argument")


def _drafts_beside_it(args: EngineArgs, release: Version) -> bool:
    """Whether drafts of this method are made without waiting for the step before."""
    method = draft_method(args)
    if not args.padded_drafts:
        return False
    if method in ("dflash", "dspark", "draft_model"):
        return release >= (0, 26)
    if method == "ngram_gpu":
        return release >= (0, 18)
    return method in _ASYNC_DRAFTS or method.endswith("mtp")


def _cuda_graphs(args: EngineArgs, profile: Profile) -> EngineSwitch:
    if args.enforce_eager:
        return EngineSwitch(False, "--enforce-eager, or a compilation that has none")
    if args.max_capture_size == 0:
        return EngineSwitch(False, "no batch size is captured")
    level, mode = args.compilation_level, args.cudagraph_mode
    if level is None or level >= 3 or mode in _FULL_MODES or profile.number >= _GRAPHS_WITHOUT:
        return EngineSwitch(True)
    return EngineSwitch(False, "only vLLM's own compilation has CUDA graphs by default")


def _drafts_by_hidden_states(args: EngineArgs) -> bool:
    """vLLM's `use_eagle`: EAGLE, a model's own prediction layers, and what works as they do."""
    method = draft_method(args)
    return args.speculative and (method in _BY_HIDDEN_STATES or method.endswith("mtp"))


def draft_method(args: EngineArgs) -> str:
    """The method of the drafts; vLLM takes one that is not told from the draft model's name."""
    named = (args.speculative_method or "").lower()
    if named or not args.speculative_model:
        return named
    model = args.speculative_model.lower()
    return "eagle3" if "eagle3" in model else "eagle" if "eagle-" in model else "draft_model"


def _told(profile: Profile) -> str:
    """The release whose habits these are: the one that stands in, where it does."""
    return ".".join(map(str, profile.number))
