"""Everything of the cluster that is held against the models which it is to serve."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelcar_tui.cluster.image_checks import ImageNeed, check_images, check_waiting
from modelcar_tui.cluster.profile_checks import count_checks
from modelcar_tui.cluster.pull import check_pull
from modelcar_tui.cluster.trim import resources
from modelcar_tui.cluster.types import AcceleratorReport, Check


class ModelNeed(msgspec.Struct, frozen=True, kw_only=True):
    """What one model asks of the cluster beside memory of a GPU."""

    model: str
    gpus: int
    size_bytes: int | None = None
    """Of its image; None when unknown."""
    architectures: tuple[str, ...] | None = None
    """Of its image; None when unknown."""
    host: str = ""
    """The registry of its image; empty where its reference is none."""
    repository: str = ""


def check_models(models: Sequence[ModelNeed], report: AcceleratorReport) -> tuple[Check, ...]:
    """Pods that wait for the same GPUs, logins for the registries, nodes for the images, hardware profiles
    for the counts of GPUs; `report.checks` has what is the same whatever is served."""
    images = [
        ImageNeed(model=one.model, size_bytes=one.size_bytes, architectures=one.architectures)
        for one in models
    ]
    fetched = report.kserve is not None and report.kserve.fetches
    return (
        check_waiting(report.inventory)
        + check_pull([(one.host, one.repository) for one in models if one.host], report.pull)
        + check_images(images, report.inventory, fetched=fetched)
        + count_checks(
            [(one.model, one.gpus) for one in models], resources(report.inventory), report.profiles
        )
    )
