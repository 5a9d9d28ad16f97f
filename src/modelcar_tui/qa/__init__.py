"""The upstream suite: what it does, its events, its outcome. Who runs it: `qa.engines`; its log: `qa.log`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.qa.budget import SUITE_READY_S, TimeBudgets, cold_start_s, time_budgets
    from modelcar_tui.qa.cleanup import Leftover, delete_leftovers, find_leftovers, left_by_log
    from modelcar_tui.qa.effect import Effect, EffectLevel, effect_rows, fails, tells
    from modelcar_tui.qa.effects import (
        clean_up_commands,
        cluster_effects,
        job_engine_effects,
        named,
        pull_effects,
        time_effect,
    )
    from modelcar_tui.qa.events import (
        QaEvent,
        QaLogGrew,
        QaProgressed,
        QaSaw,
        QaStarted,
        Warned,
        WentSilent,
    )
    from modelcar_tui.qa.from_objects import LeftOut, for_suite, output_type_of
    from modelcar_tui.qa.image import SuiteImage, suite_image
    from modelcar_tui.qa.measured import failed_lines, figure_words, measured_line
    from modelcar_tui.qa.outcome import could_not_start
    from modelcar_tui.qa.preconditions import for_older_scripts, qa_skipped, skip_reason
    from modelcar_tui.qa.runner import QaSecrets, Runner
    from modelcar_tui.qa.seen import Seen, hopeless_models
    from modelcar_tui.qa.store import load_suite_facts
    from modelcar_tui.qa.suite_facts import suite_namespaces
    from modelcar_tui.qa.types import FAILED_STATUSES, QaMeasured, QaModelResult, QaOutcome, QaRequest
    from modelcar_tui.qa.untested import nothing_to_test, other_manifest_effects
    from modelcar_tui.qa.watch_causes import cause_of, mends_itself
    from modelcar_tui.qa.watch_models import cut_model_name
    from modelcar_tui.qa.watch_pods import Sighting, Trouble, sightings

__all__ = [
    "FAILED_STATUSES",
    "SUITE_READY_S",
    "Effect",
    "EffectLevel",
    "LeftOut",
    "Leftover",
    "QaEvent",
    "QaLogGrew",
    "QaMeasured",
    "QaModelResult",
    "QaOutcome",
    "QaProgressed",
    "QaRequest",
    "QaSaw",
    "QaSecrets",
    "QaStarted",
    "Runner",
    "Seen",
    "Sighting",
    "SuiteImage",
    "TimeBudgets",
    "Trouble",
    "Warned",
    "WentSilent",
    "cause_of",
    "clean_up_commands",
    "cluster_effects",
    "cold_start_s",
    "could_not_start",
    "cut_model_name",
    "delete_leftovers",
    "effect_rows",
    "failed_lines",
    "fails",
    "figure_words",
    "find_leftovers",
    "for_older_scripts",
    "for_suite",
    "hopeless_models",
    "job_engine_effects",
    "left_by_log",
    "load_suite_facts",
    "measured_line",
    "mends_itself",
    "named",
    "nothing_to_test",
    "other_manifest_effects",
    "output_type_of",
    "pull_effects",
    "qa_skipped",
    "sightings",
    "skip_reason",
    "suite_image",
    "suite_namespaces",
    "tells",
    "time_budgets",
    "time_effect",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "budget": "SUITE_READY_S TimeBudgets cold_start_s time_budgets",
            "cleanup": "Leftover delete_leftovers find_leftovers left_by_log",
            "effect": "Effect EffectLevel effect_rows fails tells",
            "effects": "clean_up_commands cluster_effects job_engine_effects named pull_effects time_effect",
            "events": "QaEvent QaLogGrew QaProgressed QaSaw QaStarted Warned WentSilent",
            "from_objects": "LeftOut for_suite output_type_of",
            "image": "SuiteImage suite_image",
            "measured": "failed_lines figure_words measured_line",
            "outcome": "could_not_start",
            "preconditions": "for_older_scripts qa_skipped skip_reason",
            "runner": "QaSecrets Runner",
            "seen": "Seen hopeless_models",
            "store": "load_suite_facts",
            "suite_facts": "suite_namespaces",
            "types": "FAILED_STATUSES QaMeasured QaModelResult QaOutcome QaRequest",
            "untested": "nothing_to_test other_manifest_effects",
            "watch_causes": "cause_of mends_itself",
            "watch_models": "cut_model_name",
            "watch_pods": "Sighting Trouble sightings",
        },
    )
