"""The objects of a try as a real API server takes them: each field known and valid; rights as it says."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from server import Account, ApiServer, lost
from shapes import DEFINITIONS

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "trial"))
from plan_support import Found, model

from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.kube.connection import connect
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.types import ClusterOptions
from modelcar_tui.trial import PreparedTrial, TrialAsk, prepare_trial
from modelcar_tui.verdict.reports import ModelRequirements

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
READS = ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]},)


@pytest.fixture(scope="module", autouse=True)
def loaded(server: ApiServer) -> None:
    server.load(openshift_ai(), DEFINITIONS)
    quiet = {"metadata": {"name": "quiet"}, "value": 5, "preemptionPolicy": "Never"}
    server.post(CLASSES, {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", **quiet})


def options(server: ApiServer, account: Account) -> ClusterOptions:
    return ClusterOptions(kubeconfig=str(server.kubeconfig(account)))


async def prepared(
    asked: ClusterOptions, what: ModelRequirements, files: dict[str, bytes], **ask: Any
) -> tuple[PreparedTrial, list[dict[str, Any]]]:
    """A try, and what the server would keep of its objects."""

    async def read(_: str, __: ImageOptions) -> Found:
        return Found(files)

    report = await read_cluster(asked, lambda _: None)
    async with connect(find_credentials(asked), asked) as client:
        ask_all = TrialAsk(model=what, cluster=report, **ask)
        made = await prepare_trial(ask_all, client, redact=Redactor(), read=read)
        rows = [(f"/apis/batch/v1/namespaces/{made.plan.namespace}/jobs", made.job)]
        rows += [(f"/api/v1/namespaces/{made.plan.namespace}/secrets", one) for one in made.secrets]
        kept = [await client.rehearse("POST", path, value, fieldValidation="Strict") for path, value in rows]
    return made, kept


@pytest.mark.parametrize(
    ("gpus", "ask"),
    [(1, {}), (2, {"on": "h100-80gb-hbm3", "queue": "fast"}), (1, {"on": "gpu-l40s-0", "limit_s": 60})],
)
def test_the_server_takes_every_object_and_drops_nothing(
    server: ApiServer, gpus: int, ask: dict[str, Any]
) -> None:
    noise = bytes(range(256)) * 4000
    what = model("--max-model-len=8192", gpus=gpus)
    files = {"config.json": b"{}", "tokenizer.json": noise}
    made, kept = asyncio.run(prepared(options(server, server.admin), what, files, **ask))
    for given, one in zip((made.job, *made.secrets), kept, strict=True):
        known = {**given, "spec": {**given["spec"], "suspend": None}} if "spec" in given else given
        assert not lost(known, one)  # servers before 1.22, such as Debian's, do not know `suspend`
    assert made.plan.priority_class == "quiet"
    # Quotas count the larger of the init container and the main one: the same, but for the GPUs.
    pod = kept[0]["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["resources"]["requests"].keys() == {"cpu", "memory"}


def test_who_may_only_look_is_told_the_command(server: ApiServer) -> None:
    account = server.account()
    server.grant(account, *READS)
    with pytest.raises(UserError) as caught:
        asyncio.run(prepared(options(server, account), model(), {"config.json": b"{}"}))
    (problem,) = caught.value.problems
    assert "create jobs, delete jobs, create secrets, delete secrets in namespace default" in problem.what
    assert problem.fix == f"oc adm policy add-role-to-user edit {account.name} -n default"
