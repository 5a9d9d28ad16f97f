"""What vLLM takes, refuses and runs, release by release, as read from its code: `docs/vllm-releases.md`."""

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
    from modelcar_tui.vllm.arguments import (
        Argument,
        canonical_flag,
        flag_exists,
        has_switch,
        last_value,
        looks_like_flag,
        parse_arguments,
    )
    from modelcar_tui.vllm.builds import ImageBuild, Sampler, may_lack_flashinfer, sampler_of
    from modelcar_tui.vllm.cache_scales import SCALES_ERROR, scales_refused
    from modelcar_tui.vllm.companions import needed_beside
    from modelcar_tui.vllm.context import implied_context, longest_context, longest_positions
    from modelcar_tui.vllm.declaration import AskedQuantization
    from modelcar_tui.vllm.defaults import StartLimits, served_context, start_limits
    from modelcar_tui.vllm.dtypes import BFLOAT16, model_type_of, resolved_dtype
    from modelcar_tui.vllm.engine_args import (
        EngineArgs,
        config_overrides,
        read_engine_args,
        server_args,
        written_overrides,
    )
    from modelcar_tui.vllm.experts import NO_EXPERTS, ExpertLayers, expert_layers
    from modelcar_tui.vllm.fault import ArgumentFault
    from modelcar_tui.vllm.faults import (
        FORM_CODES,
        Judge,
        argument_faults,
        fault_of_argument,
        refused_number,
        refused_value,
        whole_item,
    )
    from modelcar_tui.vllm.images import release_of_runtime
    from modelcar_tui.vllm.kv_cache import check_kv_cache, effective_kv_dtype, kv_cache_runs
    from modelcar_tui.vllm.media import MediaOptions
    from modelcar_tui.vllm.model_runner import runs_model_runner_v2
    from modelcar_tui.vllm.object_rules import object_fault
    from modelcar_tui.vllm.objects import known_keys
    from modelcar_tui.vllm.overrides import ROPE_SCALING, heard_overrides, rope_fault, rope_key, yarn_is_in
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
    from modelcar_tui.vllm.values import tokens_in, wrong_value
    from modelcar_tui.vllm.variables import (
        may_hold_anything,
        settles_variables,
        sizes_open,
        variable_in_words,
        with_environment,
    )

__all__ = [
    "ALLOW_DEPRECATED_FLAG",
    "BFLOAT16",
    "FORM_CODES",
    "NO_EXPERTS",
    "QUANTIZATION_FLAG",
    "ROPE_SCALING",
    "SCALES_ERROR",
    "Argument",
    "ArgumentFault",
    "AskedQuantization",
    "Compatibility",
    "EngineArgs",
    "EngineSwitch",
    "EngineSwitches",
    "ExpertLayers",
    "Flag",
    "ImageBuild",
    "Judge",
    "MediaOptions",
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
    "argument_faults",
    "asked_of_server",
    "canonical_flag",
    "check_kv_cache",
    "check_support",
    "choose_method",
    "config_overrides",
    "deprecated_method",
    "dtype_fault",
    "effective_kv_dtype",
    "engine_switches",
    "expert_layers",
    "fault_of_argument",
    "flag_exists",
    "float_cache_fault",
    "has_switch",
    "heard_overrides",
    "hungriest_profile",
    "implied_context",
    "is_open_release",
    "known_arguments",
    "known_keys",
    "kv_cache_runs",
    "last_value",
    "longest_context",
    "longest_positions",
    "looks_like_flag",
    "manager_refused",
    "may_hold_anything",
    "may_lack_flashinfer",
    "model_type_of",
    "needed_beside",
    "newer_note",
    "newer_than",
    "newest_flags",
    "object_fault",
    "parse_arguments",
    "parse_version",
    "pipeline_fault",
    "profile_for",
    "profile_on_card",
    "quantization_flag_fault",
    "reached",
    "read_engine_args",
    "refused_method",
    "refused_number",
    "refused_value",
    "release_of_runtime",
    "release_standing_in",
    "resolved_dtype",
    "rope_fault",
    "rope_key",
    "runs_model_runner_v2",
    "sampler_of",
    "scales_refused",
    "schemes_refused",
    "served_context",
    "server_args",
    "settles_variables",
    "sizes_open",
    "sparse_attention_refused",
    "start_limits",
    "start_refusals",
    "startup_figures",
    "through_transformers",
    "tokens_in",
    "transformers_fault",
    "unbuilt_for",
    "uncut_by_transformers",
    "variable_in_words",
    "whole_item",
    "why_unmodelled",
    "why_unread",
    "with_environment",
    "written_overrides",
    "wrong_value",
    "yarn_is_in",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "architectures": (
                "architecture_error architecture_refused architecture_unsure through_transformers"
            ),
            "argument_table": "Flag known_arguments newest_flags",
            "arguments": (
                "Argument canonical_flag flag_exists has_switch last_value looks_like_flag parse_arguments"
            ),
            "builds": "ImageBuild Sampler may_lack_flashinfer sampler_of",
            "cache_scales": "SCALES_ERROR scales_refused",
            "companions": "needed_beside",
            "context": "implied_context longest_context longest_positions",
            "declaration": "AskedQuantization",
            "defaults": "StartLimits served_context start_limits",
            "dtypes": "BFLOAT16 model_type_of resolved_dtype",
            "engine_args": "EngineArgs config_overrides read_engine_args server_args written_overrides",
            "experts": "ExpertLayers NO_EXPERTS expert_layers",
            "fault": "ArgumentFault",
            "faults": (
                "FORM_CODES Judge argument_faults fault_of_argument refused_number refused_value whole_item"
            ),
            "images": "release_of_runtime",
            "kv_cache": "check_kv_cache effective_kv_dtype kv_cache_runs",
            "media": "MediaOptions",
            "model_runner": "runs_model_runner_v2",
            "object_rules": "object_fault",
            "objects": "known_keys",
            "overrides": "ROPE_SCALING heard_overrides rope_fault rope_key yarn_is_in",
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
            "values": "tokens_in wrong_value",
            "variables": "may_hold_anything settles_variables sizes_open variable_in_words with_environment",
        },
    )
