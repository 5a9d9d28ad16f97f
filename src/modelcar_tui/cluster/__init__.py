"""What a cluster has for models, and what it lets in. The types of its report: `cluster.types`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.cluster.access import find_access
    from modelcar_tui.cluster.cards import (
        CardKind,
        card_kinds,
        card_totals,
        cards_text,
        handed_out,
        kind_line,
        unit_of,
    )
    from modelcar_tui.cluster.fit_types import Fit, FitAnswer, PodShape, runtime_pod
    from modelcar_tui.cluster.fits import may_be_put, may_run, may_stand, places_on, shared_cards
    from modelcar_tui.cluster.gpu_info import gpu_info_text
    from modelcar_tui.cluster.image_checks import pull_seconds
    from modelcar_tui.cluster.limit_types import NamespaceLimits, NamespaceRequest
    from modelcar_tui.cluster.limits import admission
    from modelcar_tui.cluster.look import read_cluster, refresh_cluster
    from modelcar_tui.cluster.model_checks import ModelNeed, check_models
    from modelcar_tui.cluster.profile_checks import (
        APPLIED_TO,
        PROFILE_NAME,
        PROFILE_NAMESPACE,
        naming_profile,
    )
    from modelcar_tui.cluster.quotas import read_limits
    from modelcar_tui.cluster.report import accelerator_json, accelerator_rows
    from modelcar_tui.cluster.serving_objects import ServingObjects, read_serving_objects
    from modelcar_tui.cluster.serving_types import HardwareProfile, OciMode, ProfileKind
    from modelcar_tui.cluster.taints import helping, tolerated, untolerated
    from modelcar_tui.cluster.trim import PRODUCT_LABELS
    from modelcar_tui.cluster.whatif import find_card, parse_gpu_flags, slice_problem
    from modelcar_tui.cluster.words import MEMORY_READ_FROM, MEMORY_WORTH, scale_text, why_text

__all__ = [
    "APPLIED_TO",
    "MEMORY_READ_FROM",
    "MEMORY_WORTH",
    "PRODUCT_LABELS",
    "PROFILE_NAME",
    "PROFILE_NAMESPACE",
    "CardKind",
    "Fit",
    "FitAnswer",
    "HardwareProfile",
    "ModelNeed",
    "NamespaceLimits",
    "NamespaceRequest",
    "OciMode",
    "PodShape",
    "ProfileKind",
    "ServingObjects",
    "accelerator_json",
    "accelerator_rows",
    "admission",
    "card_kinds",
    "card_totals",
    "cards_text",
    "check_models",
    "find_access",
    "find_card",
    "gpu_info_text",
    "handed_out",
    "helping",
    "kind_line",
    "may_be_put",
    "may_run",
    "may_stand",
    "naming_profile",
    "parse_gpu_flags",
    "places_on",
    "pull_seconds",
    "read_cluster",
    "read_limits",
    "read_serving_objects",
    "refresh_cluster",
    "runtime_pod",
    "scale_text",
    "shared_cards",
    "slice_problem",
    "tolerated",
    "unit_of",
    "untolerated",
    "why_text",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "access": "find_access",
            "cards": "CardKind card_kinds card_totals cards_text handed_out kind_line unit_of",
            "fit_types": "Fit FitAnswer PodShape runtime_pod",
            "fits": "may_be_put may_run may_stand places_on shared_cards",
            "gpu_info": "gpu_info_text",
            "image_checks": "pull_seconds",
            "limit_types": "NamespaceLimits NamespaceRequest",
            "limits": "admission",
            "look": "read_cluster refresh_cluster",
            "model_checks": "ModelNeed check_models",
            "profile_checks": "APPLIED_TO PROFILE_NAME PROFILE_NAMESPACE naming_profile",
            "quotas": "read_limits",
            "report": "accelerator_json accelerator_rows",
            "serving_objects": "ServingObjects read_serving_objects",
            "serving_types": "HardwareProfile OciMode ProfileKind",
            "taints": "helping tolerated untolerated",
            "trim": "PRODUCT_LABELS",
            "whatif": "find_card parse_gpu_flags slice_problem",
            "words": "MEMORY_READ_FROM MEMORY_WORTH scale_text why_text",
        },
    )
