"""Hardware profiles, KServe's settings and LLM services as parts of `info/gpu_info.json`."""

from __future__ import annotations

from modelcar_tui.cluster.serving_types import HardwareProfile, LlmService
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.manifest import Toleration

Row = dict[str, object]


def serving_rows(report: AcceleratorReport) -> Row:
    """`hardware_profiles`, `kserve` and `llm_services`; null where they were not read."""
    profiles, kserve, services = report.profiles, report.kserve, report.llm_services
    return {
        "hardware_profiles": None
        if profiles is None
        else {"found": [_profile(one) for one in profiles.found], "unknown": list(profiles.unknown)},
        "kserve": None
        if kserve is None
        else {
            "namespace": kserve.namespace or None,
            "oci_mode": kserve.oci_mode.value,
            "deployment_mode": kserve.deployment_mode.value,
            "headless": kserve.headless,
        },
        "llm_services": None
        if services is None
        else {
            "version": services.version or None,
            "everywhere": services.everywhere,
            "found": [_service(one) for one in services.found],
            "unknown": services.unknown or None,
        },
    }


def _profile(one: HardwareProfile) -> Row:
    return {
        "name": one.name,
        "namespace": one.namespace,
        "kind": one.kind.value,
        "offers": [
            {"resource": each.resource, "least": each.least, "default": each.default, "most": each.most}
            for each in one.offers
        ],
        "tolerations": [_toleration(each) for each in one.tolerations],
        "selector": dict(one.selector),
        "queue": one.queue or None,
        "priority_class": one.priority_class or None,
    }


def _toleration(one: Toleration) -> Row:
    return {"key": one.key, "operator": one.operator, "value": one.value, "effect": one.effect}


def _service(one: LlmService) -> Row:
    return {
        "name": one.name,
        "namespace": one.namespace,
        "ready": one.ready,
        "why": one.why or None,
        "stopped": one.stopped,
        "replicas": one.replicas,
        "most_replicas": one.most_replicas,
        "gpus": dict(one.gpus),
        "partial": one.partial,
    }
