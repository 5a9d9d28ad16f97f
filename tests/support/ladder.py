"""The access ladder alone, from the kubeconfig up: what a look at a cluster begins with."""

from __future__ import annotations

from modelcar_tui.cluster.access import climb, failed
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Access, ClusterError, ClusterOptions, connect, find_credentials


async def probe(options: ClusterOptions) -> Access:
    """How far we come: the kubeconfig, the way to the server, who we are, and what we may look at."""
    try:
        credentials = find_credentials(options)
    except ClusterError as error:
        return Access(rung=error.rung, context=clean(options.context or ""), problem=error.problem)
    try:
        async with connect(credentials, options) as client:
            return await climb(client, credentials)
    except ClusterError as error:
        return failed(error, credentials)
