"""Where OpenShift AI's own applications live."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError

CANDIDATES = ("redhat-ods-applications", "opendatahub")
"""Where they are unless somebody chose another namespace."""
DSCI = "/apis/dscinitialization.opendatahub.io/{}/dscinitializations"
VERSIONS = ("v2", "v1")
"""Of the DSCInitialization and the DataScienceCluster; v2 is what OpenShift AI 3 stores: reading it needs no
conversion by the operator, which may be down."""


class _DsciSpec(msgspec.Struct, frozen=True, rename="camel"):
    applications_namespace: str = ""


class _Dsci(msgspec.Struct, frozen=True):
    spec: _DsciSpec = _DsciSpec()


async def applications_namespace(client: Client) -> str:
    """Where OpenShift AI's applications live; empty when it can't be read."""
    for version in VERSIONS:
        try:
            found = await client.short_list(DSCI.format(version), _Dsci)
        except ClusterError as error:
            if not (error.missing or error.forbidden):
                raise
            continue
        name = next((one.spec.applications_namespace for one in found if one.spec.applications_namespace), "")
        return clean(name, limit=63)
    return ""


async def likely_homes(client: Client) -> tuple[str, ...]:
    """The same as namespaces to try: those of `CANDIDATES` where nothing tells; never fails."""
    try:
        home = await applications_namespace(client)
    except ClusterError:
        home = ""
    return (home,) if home else CANDIDATES
