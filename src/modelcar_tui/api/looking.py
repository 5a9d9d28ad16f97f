"""Which accelerators there are: of the cluster, of a file, or as the caller states them."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.api.asked import Path_, place, words
from modelcar_tui.api.blocking import refuse_in_loop
from modelcar_tui.cluster import read_cluster
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.credentials import teach_environment
from modelcar_tui.core.loops import run_once
from modelcar_tui.kube import ClusterOptions

LOOK_S = 180.0
"""The longest that a cluster is looked at, by default."""


def inventory(
    gpus: Sequence[str] = (),
    *,
    file: Path_ | None = None,
    kubeconfig: Path_ | None = None,
    context: str | None = None,
    namespace: str | None = None,
    timeout_s: float = LOOK_S,
) -> AcceleratorReport:
    """The accelerators, without writing anything.

    With `gpus` or `file` no cluster is asked for its nodes. A cluster that can't be reached is no error: the
    report says why in `access.problem`, and its `inventory.known` is False.

    Args:
        gpus: `PRODUCT:COUNT[@NODES]` each, such as `L40S:4@3`.
        file: A Kubernetes NodeList in JSON or YAML: `oc get nodes -o json`.
        kubeconfig: A path or a `KUBECONFIG` list; by default as kubectl finds it.
        context: Of the kubeconfig; by default its current one.
        namespace: Where models are to be served; by default the context's.
        timeout_s: Seconds for all of it.

    Raises:
        UserError: `gpus` or `file` can't be read.
        RuntimeError: an event loop runs in this thread.
    """
    refuse_in_loop("inventory")
    teach_environment()
    options = ClusterOptions(
        kubeconfig=place(kubeconfig),
        context=context,
        namespace=namespace,
        gpus=words("gpus", gpus),
        inventory=place(file),
        total_timeout_s=timeout_s,
    )
    return run_once(read_cluster(options))
