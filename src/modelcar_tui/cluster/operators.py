"""What OpenShift AI's operator says: of its DataScienceCluster, its DSCInitialization, its versions."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelcar_tui.cluster.data_science_cluster import CODE, DataScienceCluster, Metadata, judged
from modelcar_tui.cluster.home import DSCI, VERSIONS
from modelcar_tui.cluster.operator_status import Condition, worst
from modelcar_tui.cluster.types import Check, State, Versions
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.kube.objects import T

_DSC = "/apis/datasciencecluster.opendatahub.io/{}/datascienceclusters"


class InitializationStatus(msgspec.Struct, frozen=True):
    phase: str = ""
    conditions: list[Condition] | None = None


class Initialization(msgspec.Struct, frozen=True):
    """dscinitialization.opendatahub.io v1 and v2 DSCInitialization, its health."""

    metadata: Metadata = Metadata()
    status: InitializationStatus = InitializationStatus()


async def read_operators(client: Client) -> tuple[tuple[Check, ...], Versions]:
    """The operator's health, and the versions that it tells.

    A DSCInitialization is spoken of only where something is wrong with it.
    """
    try:
        found = await _newest(client, _DSC, DataScienceCluster)
    except ClusterError as error:
        why = "there is none that we know" if error.missing else error.problem.what
        what = f"the DataScienceCluster can't be read: {why}"
        fix = "oc get datasciencecluster -o yaml"
        return (Check(code=CODE, state=State.UNKNOWN, what=what, fix=fix),), Versions()
    checks = [judged(found)]
    if found:
        try:
            begun = initialization(await _newest(client, DSCI, Initialization))
        except ClusterError:
            begun = None
        checks += [begun] if begun is not None else []
    return tuple(checks), _versions(found)


async def _newest(client: Client, path: str, kind: type[T]) -> list[T]:
    """The objects by the newest API version that answers.

    Raises:
        ClusterError: none does; the one that tells most.
    """
    newest, *older = VERSIONS
    try:
        return await client.short_list(path.format(newest), kind)
    except ClusterError as error:
        if error.forbidden:
            raise
        told = error
    for version in older:
        try:
            return await client.short_list(path.format(version), kind)
        except ClusterError as error:
            told = error if told.missing else told
    raise told


def initialization(found: Sequence[Initialization]) -> Check | None:
    """What is wrong with the DSCInitialization; None where nothing is."""
    code = "dsc-initialization"
    fix = "oc describe dscinitialization"
    if not found:
        what = "there is no DSCInitialization: the operator does not act on the DataScienceCluster"
        return Check(code=code, state=State.WARNING, what=what, fix="create one in the OpenShift AI operator")
    one = found[0]
    if one.metadata.deletion_timestamp:
        return Check(code=code, state=State.WARNING, what="the DSCInitialization is being deleted", fix=fix)
    bad = worst(one.status.conditions, one.status.phase)
    if bad is None:
        return None
    what = f"the DSCInitialization is not ready: {bad.says}"
    return Check(code=code, state=State.WARNING, what=what, fix=fix)


def _versions(found: Sequence[DataScienceCluster]) -> Versions:
    if not found:
        return Versions()
    status = found[0].status
    ai = clean(f"{status.release.name} {status.release.version}".strip(), limit=120) or None
    releases = (status.components.kserve.releases if status.components.kserve else None) or []
    kserve = next((clean(item.version, limit=40) for item in releases if item.name.lower() == "kserve"), None)
    return Versions(ai=ai, kserve=kserve)
