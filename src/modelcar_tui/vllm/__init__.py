"""One release of vLLM, as read from its code. What a server is asked for: `vllm.arguments`, `vllm.refused`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.vllm.architectures import (
        architecture_error,
        architecture_refused,
        architecture_unsure,
        through_transformers,
    )
    from modelcar_tui.vllm.argument_table import Flag, known_arguments, newest_flags
    from modelcar_tui.vllm.builds import ImageBuild, Sampler, may_lack_flashinfer, sampler_of
    from modelcar_tui.vllm.cache_scales import SCALES_ERROR, scales_refused
    from modelcar_tui.vllm.context import implied_context, longest_context, longest_positions
    from modelcar_tui.vllm.declaration import AskedQuantization
    from modelcar_tui.vllm.defaults import StartLimits, served_context, start_limits
    from modelcar_tui.vllm.dtypes import BFLOAT16, model_type_of, resolved_dtype
    from modelcar_tui.vllm.experts import NO_EXPERTS, ExpertLayers, expert_layers
    from modelcar_tui.vllm.images import release_of_runtime
    from modelcar_tui.vllm.kv_cache import check_kv_cache, effective_kv_dtype, kv_cache_runs
    from modelcar_tui.vllm.model_runner import runs_model_runner_v2
    from modelcar_tui.vllm.pipelines import pipeline_fault
    from modelcar_tui.vllm.profile import Profile, hungriest_profile, newer_note, profile_for, profile_on_card
    from modelcar_tui.vllm.quantization import (
        SupportAnswer,
        schemes_refused,
        sparse_attention_refused,
        unbuilt_for,
    )
    from modelcar_tui.vllm.quantization_method import (
        ALLOW_DEPRECATED_FLAG,
        QUANTIZATION_FLAG,
        choose_method,
        deprecated_method,
        quantization_flag_fault,
        refused_method,
    )
    from modelcar_tui.vllm.readings import answering_release, is_open_release, release_standing_in, why_unread
    from modelcar_tui.vllm.refusals import asked_of_server, start_refusals
    from modelcar_tui.vllm.release import newer_than, parse_version, reached
    from modelcar_tui.vllm.runs_on import check_support
    from modelcar_tui.vllm.start_dtype import agreed_dtype_fault, dtype_fault, float_cache_fault
    from modelcar_tui.vllm.startup_log import startup_figures
    from modelcar_tui.vllm.support import Compatibility, Support
    from modelcar_tui.vllm.switches import EngineSwitch, EngineSwitches, engine_switches, manager_refused
    from modelcar_tui.vllm.transformers_backend import transformers_fault, uncut_by_transformers
    from modelcar_tui.vllm.unmodelled import why_unmodelled

__all__ = [
    "ALLOW_DEPRECATED_FLAG",
    "BFLOAT16",
    "NO_EXPERTS",
    "QUANTIZATION_FLAG",
    "SCALES_ERROR",
    "AskedQuantization",
    "Compatibility",
    "EngineSwitch",
    "EngineSwitches",
    "ExpertLayers",
    "Flag",
    "ImageBuild",
    "Profile",
    "Sampler",
    "StartLimits",
    "Support",
    "SupportAnswer",
    "agreed_dtype_fault",
    "answering_release",
    "architecture_error",
    "architecture_refused",
    "architecture_unsure",
    "asked_of_server",
    "check_kv_cache",
    "check_support",
    "choose_method",
    "deprecated_method",
    "dtype_fault",
    "effective_kv_dtype",
    "engine_switches",
    "expert_layers",
    "float_cache_fault",
    "hungriest_profile",
    "implied_context",
    "is_open_release",
    "known_arguments",
    "kv_cache_runs",
    "longest_context",
    "longest_positions",
    "manager_refused",
    "may_lack_flashinfer",
    "model_type_of",
    "newer_note",
    "newer_than",
    "newest_flags",
    "parse_version",
    "pipeline_fault",
    "profile_for",
    "profile_on_card",
    "quantization_flag_fault",
    "reached",
    "refused_method",
    "release_of_runtime",
    "release_standing_in",
    "resolved_dtype",
    "runs_model_runner_v2",
    "sampler_of",
    "scales_refused",
    "schemes_refused",
    "served_context",
    "sparse_attention_refused",
    "start_limits",
    "start_refusals",
    "startup_figures",
    "through_transformers",
    "transformers_fault",
    "unbuilt_for",
    "uncut_by_transformers",
    "why_unmodelled",
    "why_unread",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "architectures": (
                "architecture_error architecture_refused architecture_unsure through_transformers"
            ),
            "argument_table": "Flag known_arguments newest_flags",
            "builds": "ImageBuild Sampler may_lack_flashinfer sampler_of",
            "cache_scales": "SCALES_ERROR scales_refused",
            "context": "implied_context longest_context longest_positions",
            "declaration": "AskedQuantization",
            "defaults": "StartLimits served_context start_limits",
            "dtypes": "BFLOAT16 model_type_of resolved_dtype",
            "experts": "ExpertLayers NO_EXPERTS expert_layers",
            "images": "release_of_runtime",
            "kv_cache": "check_kv_cache effective_kv_dtype kv_cache_runs",
            "model_runner": "runs_model_runner_v2",
            "pipelines": "pipeline_fault",
            "profile": "Profile hungriest_profile newer_note profile_for profile_on_card",
            "quantization": "SupportAnswer schemes_refused sparse_attention_refused unbuilt_for",
            "quantization_method": (
                "ALLOW_DEPRECATED_FLAG QUANTIZATION_FLAG choose_method deprecated_method "
                "quantization_flag_fault refused_method"
            ),
            "readings": "answering_release is_open_release release_standing_in why_unread",
            "refusals": "asked_of_server start_refusals",
            "release": "newer_than parse_version reached",
            "runs_on": "check_support",
            "start_dtype": "agreed_dtype_fault dtype_fault float_cache_fault",
            "startup_log": "startup_figures",
            "support": "Compatibility Support",
            "switches": "EngineSwitch EngineSwitches engine_switches manager_refused",
            "transformers_backend": "transformers_fault uncut_by_transformers",
            "unmodelled": "why_unmodelled",
        },
    )
