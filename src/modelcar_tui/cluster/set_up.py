"""What is set up around a model, in the text report: hardware profiles, KServe's settings, LLM services."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.cluster.serving_types import HardwareProfile, LlmService
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.cluster.words import some
from modelcar_tui.core.cells import hang
from modelcar_tui.core.counting import several

_MOST = 20


def set_up_lines(report: AcceleratorReport, cells: int) -> Iterator[str]:
    """A line a profile and a service, at most so many of each; nothing where no cluster was asked."""
    kserve, profiles, services = report.kserve, report.profiles, report.llm_services
    if kserve is not None:
        told = f"oci:// images by {kserve.oci_mode}, deployments are {kserve.deployment_mode} by default"
        yield from hang("KServe: ", told, cells)
    for profile in profiles.found[:_MOST] if profiles else ():
        yield from hang(f"{profile.title[:1].upper()}{profile.title[1:]}: ", _profile(profile), cells)
    for service in services.found[:_MOST] if services else ():
        yield from hang(f"LLM service {service.namespace}/{service.name}: ", _service(service), cells)
    left = max(0, len(profiles.found) - _MOST) if profiles else 0
    left += max(0, len(services.found) - _MOST) if services else 0
    if left:
        more = several(left, "more profile or service", "more profiles and services")
        yield f"and {more} (in gpu_info.json)"


def _profile(profile: HardwareProfile) -> str:
    """What it offers of accelerators, tolerates and selects."""
    gpus = [one for one in profile.offers if "/" in one.resource]
    offers = [one.resource + ("" if one.most is None else f", at most {one.most}") for one in gpus]
    tolerates = [
        f"{one.key or 'any taint'}{f'={one.value}' if one.value else ''}" for one in profile.tolerations
    ]
    parts = (
        f"offers {some(offers, 4)}" if offers else "offers no accelerator",
        f"tolerates {some(tolerates, 4)}" if tolerates else "",
        f"selects {some([f'{key}={value}' for key, value in profile.selector], 4)}"
        if profile.selector
        else "",
        f"queue {profile.queue}" if profile.queue else "",
    )
    return "; ".join(part for part in parts if part)


def _service(service: LlmService) -> str:
    state = {True: "ready", False: "not ready", None: "whether it is ready is not known"}[service.ready]
    told = some([f"{count} {resource}" for resource, count in service.gpus], 4)
    gpus = told + " or more" * service.partial if told else "an unknown number of GPUs"
    why = f" ({service.why})" if service.why else ""
    return f"{'stopped' if service.stopped else state}{why}; asks for {gpus}"
