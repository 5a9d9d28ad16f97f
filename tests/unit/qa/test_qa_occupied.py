"""A namespace of the suite that is on the cluster already ends the run before anything is made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.connection import connect
from modelcar_tui.kube.flattened import flatten
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.types import ClusterOptions
from modelcar_tui.qa.occupied import refuse_occupied, refuse_occupied_as
from modelcar_tui.qa.outcome import refused
from modelcar_tui.qa.suite_facts import branches
from support.kube_jobs import Cluster

TESTING = [name for name, facts in branches().items() if facts.test]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.stop()


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[Client]:
    options = ClusterOptions(kubeconfig=str(cluster.kubeconfig()))
    async with connect(find_credentials(options), options) as client:
        yield client


def put(cluster: Cluster, name: str, **meta: object) -> None:
    cluster.objects[f"/api/v1/namespaces/{name}"] = {"metadata": {"name": name, "uid": "u", **meta}}


@pytest.mark.parametrize("branch", TESTING)
async def test_exactly_the_namespaces_of_the_branch_are_asked_for(
    branch: str, cluster: Cluster, client: Client
) -> None:
    await refuse_occupied(client, branches()[branch].namespaces)
    asked = [line.split()[1].partition("?")[0] for line in cluster.log]
    assert asked == [f"/api/v1/namespaces/{name}" for name in branches()[branch].namespaces]


async def test_one_that_is_there_is_named_with_its_age_and_the_next_step(
    cluster: Cluster, client: Client
) -> None:
    made = (datetime.now(UTC) - timedelta(minutes=12)).strftime("%Y-%m-%dT%H:%M:%SZ")
    put(cluster, "serverless-model-validation", creationTimestamp=made)
    await refuse_occupied(client, branches()["3.2"].namespaces)
    with pytest.raises(UserError) as caught:
        await refuse_occupied(client, branches()["2.24"].namespaces)
    outcome = refused(caught.value.problems[0])
    assert outcome.code == "QA_ERROR:NAMESPACE_BUSY"
    assert "serverless-model-validation, which is on the cluster already (made 12 min ago)" in outcome.message
    assert outcome.fix.endswith("oc delete namespace serverless-model-validation")


async def test_one_that_goes_is_to_be_waited_for(cluster: Cluster, client: Client) -> None:
    put(cluster, "raw-model-validation", deletionTimestamp="2026-11-25T00:00:00Z")
    with pytest.raises(UserError, match=r"is being deleted; oc wait --for=delete"):
        await refuse_occupied(client, ("raw-model-validation",))


async def test_cluster_that_does_not_tell_ends_nothing(cluster: Cluster) -> None:
    options = ClusterOptions(kubeconfig=str(cluster.kubeconfig()))
    config = await flatten(options)
    put(cluster, "raw-model-validation")
    with pytest.raises(UserError):
        await refuse_occupied_as(config, options, ("raw-model-validation",))
    cluster.confused.set()
    assert await refuse_occupied_as(config, options, ("raw-model-validation",)) is None
    cluster.stop()
    assert await refuse_occupied_as(config, options, ("raw-model-validation",)) is None
