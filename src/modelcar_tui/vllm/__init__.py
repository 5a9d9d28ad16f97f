"""One release of vLLM, as read from its code. Rooms of it: `arguments`, `quantization`, `refused`."""

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
    from modelcar_tui.vllm.builds import (
        ImageBuild,
        Sampler,
        built_for,
        may_lack_flashinfer,
        runs_on_cpu,
        sampler_of,
    )
    from modelcar_tui.vllm.context import implied_context, longest_context, longest_positions
    from modelcar_tui.vllm.defaults import StartLimits, served_context, start_limits
    from modelcar_tui.vllm.images import release_of_runtime, release_of_server
    from modelcar_tui.vllm.model_runner import runs_model_runner_v2
    from modelcar_tui.vllm.pipelines import pipeline_fault
    from modelcar_tui.vllm.profile import Profile, hungriest_profile, newer_note, profile_for, profile_on_card
    from modelcar_tui.vllm.readings import answering_release, is_open_release, release_standing_in, why_unread
    from modelcar_tui.vllm.refusals import asked_of_server, start_refusals
    from modelcar_tui.vllm.release import newer_than, parse_version, reached
    from modelcar_tui.vllm.startup import StartupEnd, StartupLog
    from modelcar_tui.vllm.startup_log import Figure, startup_figures
    from modelcar_tui.vllm.switches import EngineSwitch, EngineSwitches, engine_switches, manager_refused
    from modelcar_tui.vllm.transformers_backend import transformers_fault, uncut_by_transformers
    from modelcar_tui.vllm.unmodelled import why_unmodelled

__all__ = [
    "EngineSwitch",
    "EngineSwitches",
    "Figure",
    "Flag",
    "ImageBuild",
    "Profile",
    "Sampler",
    "StartLimits",
    "StartupEnd",
    "StartupLog",
    "answering_release",
    "architecture_error",
    "architecture_refused",
    "architecture_unsure",
    "asked_of_server",
    "built_for",
    "engine_switches",
    "hungriest_profile",
    "implied_context",
    "is_open_release",
    "known_arguments",
    "longest_context",
    "longest_positions",
    "manager_refused",
    "may_lack_flashinfer",
    "newer_note",
    "newer_than",
    "newest_flags",
    "parse_version",
    "pipeline_fault",
    "profile_for",
    "profile_on_card",
    "reached",
    "release_of_runtime",
    "release_of_server",
    "release_standing_in",
    "runs_model_runner_v2",
    "runs_on_cpu",
    "sampler_of",
    "served_context",
    "start_limits",
    "start_refusals",
    "startup_figures",
    "through_transformers",
    "transformers_fault",
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
            "builds": "ImageBuild Sampler built_for may_lack_flashinfer runs_on_cpu sampler_of",
            "context": "implied_context longest_context longest_positions",
            "defaults": "StartLimits served_context start_limits",
            "images": "release_of_runtime release_of_server",
            "model_runner": "runs_model_runner_v2",
            "pipelines": "pipeline_fault",
            "profile": "Profile hungriest_profile newer_note profile_for profile_on_card",
            "readings": "answering_release is_open_release release_standing_in why_unread",
            "refusals": "asked_of_server start_refusals",
            "release": "newer_than parse_version reached",
            "startup": "StartupEnd StartupLog",
            "startup_log": "Figure startup_figures",
            "switches": "EngineSwitch EngineSwitches engine_switches manager_refused",
            "transformers_backend": "transformers_fault uncut_by_transformers",
            "unmodelled": "why_unmodelled",
        },
    )
