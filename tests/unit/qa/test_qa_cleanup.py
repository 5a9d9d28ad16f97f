"""What a broken run left is deleted only when it is this run's, and only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelcar_tui import agent
from modelcar_tui.core.errors import UserError
from modelcar_tui.qa.engines.kube_objects import RUN_LABEL, object_name
from modelcar_tui.qa.events import QaStarted
from modelcar_tui.qa.log.spool import SpoolWriter
from modelcar_tui.qa.store import save_probe
from modelcar_tui.qa.suite_facts import branches, suite_namespaces
from modelcar_tui.qa.suite_probe import Probe
from modelcar_tui.qa.types import QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.cleanup import CleanUp
from modelcar_tui.supervisor.journal import Journal
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import Qa, RunState
from support.kube_jobs import TOKEN, Cluster

BEGAN, ENDED = 1_790_000_000.0, 1_790_003_600.0
SPACE = "/api/v1/namespaces/standard-model-validation"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "cluster").mkdir()
    cluster = Cluster(tmp_path / "cluster")
    yield cluster
    cluster.stop()


def put(cluster: Cluster, path: str, created: float, uid: str = "u1", **more: object) -> None:
    stamp = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = path.rpartition("/")[2]
    cluster.objects[path] = {"metadata": {"name": name, "uid": uid, "creationTimestamp": stamp, **more}}


def work(tmp_path: Path, cluster: Cluster, *left: str, **more: object) -> CleanUp:
    folder = tmp_path / "run-1"
    (folder / "qa").mkdir(parents=True, exist_ok=True)
    outcome = QaOutcome(code="QA_ERROR:KILLED", message="", leftovers=left) if left else None
    state = RunState(
        run_id="run-1",
        qa=Qa(started=QaStarted(container="", image="", log="", began=BEGAN), ended=ENDED, outcome=outcome),
    )
    return CleanUp(folder, state, Settings(manifest="", kubeconfig=str(cluster.kubeconfig()), **more))


async def test_namespace_of_this_run_is_deleted_with_what_is_in_it(tmp_path: Path, cluster: Cluster) -> None:
    put(cluster, SPACE, BEGAN + 60)
    clean = work(tmp_path, cluster, "Namespace/standard-model-validation", "Secret/pull")
    [item] = await clean.look()
    assert (item.ours, item.command) == (True, "oc delete namespace standard-model-validation")
    assert not [line for line in cluster.log if line.startswith("DELETE")], "looking deletes nothing"
    assert await clean.delete(frozenset({"u1"})) == ("deleted: Namespace standard-model-validation",)
    assert cluster.objects == {}
    assert "deleted" in (tmp_path / "run-1" / "qa" / "cleanup.txt").read_text()
    assert await clean.look() == ()


@pytest.mark.parametrize(
    ("created", "why"),
    [
        (BEGAN - 86_400, "24.0 h before this run's suite started"),
        (ENDED + 600, "10 min after this run's suite"),
    ],
)
async def test_same_name_of_another_run_is_left_alone(
    created: float, why: str, tmp_path: Path, cluster: Cluster
) -> None:
    put(cluster, SPACE, created)
    clean = work(tmp_path, cluster, "Namespace/standard-model-validation")
    [item] = await clean.look()
    assert not item.ours
    assert why in item.kept
    await clean.delete(frozenset({"u1"}))
    assert SPACE in cluster.objects


async def test_object_made_anew_meanwhile_and_one_that_goes_already_are_left_alone(
    tmp_path: Path, cluster: Cluster
) -> None:
    put(cluster, SPACE, BEGAN + 60, uid="u2")
    clean = work(tmp_path, cluster, "Namespace/standard-model-validation")
    assert await clean.delete(frozenset({"u1"})) == (), "u1 was shown, u2 is there now"
    assert SPACE in cluster.objects
    put(cluster, SPACE, BEGAN + 60, deletionTimestamp="2026-11-25T00:00:00Z")
    assert [item.kept for item in await clean.look()] == ["it is being deleted already"]


async def test_single_objects_where_no_namespace_was_left(tmp_path: Path, cluster: Cluster) -> None:
    path = "/apis/serving.kserve.io/v1beta1/namespaces/raw-model-validation/inferenceservices/granite"
    put(cluster, path, BEGAN + 60)
    clean = work(tmp_path, cluster, "InferenceService/granite", "Thing/x")
    service, thing = await clean.look()
    assert service.command == "oc delete inferenceservice granite -n raw-model-validation"
    assert (thing.ours, thing.kept) == (False, "no way to look at a Thing is known here")
    await clean.delete(frozenset({"u1"}))
    assert cluster.objects == {}


@pytest.mark.parametrize("branch", ["2.24", "3.3", "main"])
async def test_single_objects_are_looked_for_only_where_the_suite_of_the_run_works(
    branch: str, tmp_path: Path, cluster: Cluster
) -> None:
    clean = work(tmp_path, cluster, "InferenceService/granite")
    save_probe(tmp_path / "run-1" / "qa", Probe(facts=branches()[branch]))
    for number, space in enumerate(suite_namespaces(None)):
        path = f"/apis/serving.kserve.io/v1beta1/namespaces/{space}/inferenceservices/granite"
        put(cluster, path, BEGAN + 60, uid=f"u{number}")
    assert {item.namespace for item in await clean.look()} == set(branches()[branch].namespaces)


async def test_a_log_cannot_name_a_namespace_of_its_own(tmp_path: Path, cluster: Cluster) -> None:
    """Somebody's namespace that happens to be as young as the run is not the suite's."""
    put(cluster, "/api/v1/namespaces/payments", BEGAN + 60, uid="u9")
    put(cluster, SPACE, BEGAN + 60)
    clean = work(tmp_path, cluster, "Namespace/payments", "Namespace/standard-model-validation")
    strange, own = await clean.look()
    assert (strange.name, strange.ours, strange.kept) == (
        "payments",
        False,
        "the suite makes no such namespace",
    )
    assert own.ours
    await clean.delete(frozenset({"u1", "u9"}))
    assert list(cluster.objects) == ["/api/v1/namespaces/payments"]


async def test_job_and_secret_of_the_kubernetes_engine_are_known_by_their_label(
    tmp_path: Path, cluster: Cluster
) -> None:
    for held, uid in ((cluster.jobs, "j"), (cluster.secrets, "s")):
        for name, run in (("mine", object_name("run-1")), ("other", object_name("run-2"))):
            held[name] = {"metadata": {"name": name, "uid": uid + name, "labels": {RUN_LABEL: run}}}
    clean = work(
        tmp_path, cluster, "Namespace/raw-model-validation", qa_engine="kubernetes", qa_namespace="qa"
    )
    items = await clean.look()
    assert [(item.kind, item.name) for item in items] == [("Job", "mine"), ("Secret", "mine")]
    await clean.delete(frozenset(item.uid for item in items))
    assert (list(cluster.jobs), list(cluster.secrets)) == (["other"], ["other"])


async def test_log_of_a_run_without_an_outcome_is_read(tmp_path: Path, cluster: Cluster) -> None:
    put(cluster, SPACE, BEGAN + 60)
    clean = work(tmp_path, cluster)
    writer = SpoolWriter(tmp_path / "run-1" / "qa" / "qa.log")
    writer.append(
        "2026-08-21T09:30:14Z [info] Create Namespace standard-model-validation [ocp_resources Namespace]"
    )
    writer.close()
    assert [item.name for item in await clean.look()] == ["standard-model-validation"]


async def test_nothing_named_asks_no_cluster(tmp_path: Path, cluster: Cluster) -> None:
    assert await work(tmp_path, cluster).look() == ()
    assert cluster.log == []


async def test_cluster_that_refuses_is_said(tmp_path: Path, cluster: Cluster) -> None:
    clean = work(tmp_path, cluster, "Namespace/standard-model-validation")
    path = tmp_path / "cluster" / "kubeconfig"
    path.write_text(path.read_text().replace(TOKEN, "sha256~another"))
    with pytest.raises(UserError, match="oc login"):
        await clean.look()


def test_agent_cleanup_shows_first_and_deletes_only_with_yes(
    tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    put(cluster, SPACE, BEGAN + 60)
    folder = tmp_path / "state" / "runs" / "run-1"
    (folder / "qa").mkdir(parents=True)
    journal = Journal(folder / "journal.jsonl")
    journal.append(e.QaStarted(container="c", image="i", log="", began=BEGAN), BEGAN)
    outcome = QaOutcome(
        code="QA_ERROR:KILLED", message="", leftovers=("Namespace/standard-model-validation",)
    )
    journal.append(e.QaFinished(outcome=outcome), ENDED)
    journal.close()
    words = [
        "cleanup",
        "last",
        "--state-dir",
        str(tmp_path / "state"),
        "--kubeconfig",
        str(cluster.kubeconfig()),
    ]
    assert agent.main(words) == 0
    shown = capsys.readouterr().out
    assert "oc delete namespace standard-model-validation" in shown
    assert "nothing was deleted" in shown
    assert SPACE in cluster.objects
    assert agent.main([*words, "--yes"]) == 0
    assert "deleted: Namespace standard-model-validation" in capsys.readouterr().out
    assert cluster.objects == {}
    assert agent.main([*words, "--yes"]) == 0
    assert "nothing of this run is left" in capsys.readouterr().out
