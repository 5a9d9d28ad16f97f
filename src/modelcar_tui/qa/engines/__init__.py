"""How a suite is run: by podman on this machine, as a Job of a cluster, or played from a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.qa.engines.kube_options import JobOptions, toleration
    from modelcar_tui.qa.engines.kubejob import KubeJobRunner
    from modelcar_tui.qa.engines.podman import PodmanRunner
    from modelcar_tui.qa.engines.recorded import RecordedRunner
    from modelcar_tui.qa.engines.staging import driving_alone
    from modelcar_tui.qa.engines.sweep import sweep_stale_secrets

__all__ = [
    "JobOptions",
    "KubeJobRunner",
    "PodmanRunner",
    "RecordedRunner",
    "driving_alone",
    "sweep_stale_secrets",
    "toleration",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "kube_options": "JobOptions toleration",
            "kubejob": "KubeJobRunner",
            "podman": "PodmanRunner",
            "recorded": "RecordedRunner",
            "staging": "driving_alone",
            "sweep": "sweep_stale_secrets",
        },
    )
