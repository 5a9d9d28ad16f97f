"""What the cluster's serving runtime brings along: its release, arguments and environment."""

from __future__ import annotations

from modelcar_tui.cluster.types import AcceleratorReport


def runtime_version(cluster: AcceleratorReport) -> str | None:
    """vLLM's release in the runtime image, where it is known."""
    return cluster.runtime.version if cluster.runtime else None


def runtime_arguments(cluster: AcceleratorReport) -> tuple[str, ...]:
    """What the ServingRuntime's template passes by itself."""
    return cluster.runtime.args if cluster.runtime else ()


def runtime_environment(cluster: AcceleratorReport) -> dict[str, str]:
    """What the ServingRuntime's container has in its environment, as far as it is said literally."""
    return dict(cluster.runtime.environment) if cluster.runtime else {}
