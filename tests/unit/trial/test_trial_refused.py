"""When there is no try: no GPU, no right, no room, nothing that could be started; one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from plan_support import Found, main_of, model, pod_of, prepare, refusal, with_classes

from modelcar_tui.cluster.limits import Behind, Queue, Quota, Room
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube_objects import NAMESPACES, NODES, PODS, QUOTAS, pod
from modelcar_tui.demo.kube_rights import Fault, Right, User, admin
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.demo.kube_store import Kind
from modelcar_tui.kube.errors import ClusterError

READER = ("get", "list", "watch")


def without_runtime(report: AcceleratorReport) -> AcceleratorReport:
    return msgspec.structs.replace(report, runtime=None)


def limited(report: AcceleratorReport, **limits: Any) -> AcceleratorReport:
    assert report.limits is not None
    return msgspec.structs.replace(report, limits=msgspec.structs.replace(report.limits, **limits))


def test_no_free_gpu_no_try(tmp_path: Path) -> None:
    problem = refusal(model(gpus=4), tmp_path, on="l40s")
    assert "gpu-l40s-0 has 3 of 4 free, the pod asks for 4" in problem.what
    assert "--on" in problem.fix


def test_gpus_that_were_taken_since_the_look_are_not_free(tmp_path: Path) -> None:
    def later(report: AcceleratorReport) -> AcceleratorReport:
        nodes = tuple(
            msgspec.structs.replace(
                node, pool=tuple(msgspec.structs.replace(one, free=one.units) for one in node.pool)
            )
            for node in report.inventory.nodes
        )
        told = msgspec.structs.replace(report.inventory, nodes=nodes)
        return msgspec.structs.replace(report, inventory=told)

    problem = refusal(model(gpus=4), tmp_path, on="gpu-l40s-0", report=later)
    assert "any more" in problem.what


def test_what_is_free_must_be_known(tmp_path: Path) -> None:
    everything = [Right(kind.plural, verbs=READER) for kind in (NODES, NAMESPACES)]
    more = [Right("*", "default", verbs=("*",)), Right("*", "redhat-ods-applications", verbs=READER)]
    scenario = openshift_ai()
    scenario.user = User("dev", rights=(*everything, *more, Right("jobs.batch", "default", ("*",))))
    problem = refusal(model(), tmp_path, scenario)
    assert "pods could not be listed" in problem.what or "not known" in problem.what


def test_without_rights_the_command_is_said(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.user = User("dev", rights=(Right("*", verbs=READER),))
    problem = refusal(model(), tmp_path, scenario)
    assert (
        "create jobs" in problem.what and "delete secrets" in problem.what and "get pods" not in problem.what
    )
    assert problem.fix == "oc adm policy add-role-to-user edit dev -n default"


def test_a_namespace_must_be_there_and_stay(tmp_path: Path) -> None:
    assert "oc new-project nowhere" in refusal(model(), tmp_path, namespace="nowhere").fix
    assert "no namespace's name" in refusal(model(), tmp_path, namespace="Not A Name").what
    scenario = openshift_ai()
    scenario.objects[NAMESPACES].append({"metadata": {"name": "going"}, "status": {"phase": "Terminating"}})
    assert "being deleted" in refusal(model(), tmp_path, scenario, namespace="going").what


def test_a_question_that_fails_leaves_no_other_one_under_way(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scenario = openshift_ai()
    scenario.faults = [Fault("selfsubjectaccessreviews", "status", status=409, skip=2)]
    with pytest.raises(ClusterError):
        prepare(model(), tmp_path, scenario)
    scenario.faults = [Fault("selfsubjectaccessreviews", "status", status=409, skip=2)]
    assert "there is no namespace" in refusal(model(), tmp_path, scenario, namespace="nowhere").what
    assert not caplog.records


def test_quotas_hold_it_back(tmp_path: Path) -> None:
    scenario = openshift_ai()
    full = {"hard": {"requests.nvidia.com/gpu": "2"}, "used": {"requests.nvidia.com/gpu": "2"}}
    scenario.objects[QUOTAS] = [
        {"metadata": {"name": "team", "namespace": "default"}, "spec": {"hard": full["hard"]}, "status": full}
    ]
    problem = refusal(model(), tmp_path, scenario)
    assert "quota team leaves 0 of 2 nvidia.com/gpu" in problem.what
    # The slices are another resource, and another measurement: only where the operator names them.
    assert problem.fix == "another kind would take it: --on 'A100-SXM4-80GB 20 GiB'"
    made = prepare(model(), tmp_path, scenario, on="A100-SXM4-80GB 20 GiB")
    assert made.plan.resource == "nvidia.com/mig-2g.20gb"
    jobs = Quota(name="objects", hard={"count/jobs.batch": 3}, used={"count/jobs.batch": 3})
    problem = refusal(model(), tmp_path, report=lambda report: limited(report, quotas=(jobs,)))
    assert "count/jobs.batch" in problem.what


def test_kueue_holds_it_back_or_warns(tmp_path: Path) -> None:
    def queued(available: int, *, preempts: bool = False) -> Queue:
        rooms = tuple(
            Room(flavor="f", resource=resource, nominal=amount, used=0, available=amount, most=2**40)
            for resource, amount in (("nvidia.com/gpu", available), ("cpu", 99_000), ("memory", 2**40))
        )
        groups = (("nvidia.com/gpu", "cpu", "memory"),)
        return Queue(
            name="fast", cluster_queue="cq", behind=Behind(groups=groups, rooms=rooms, preempts=preempts)
        )

    def managed(report: AcceleratorReport, queue: Queue) -> AcceleratorReport:
        return limited(report, queues=(queue,), managed=True)

    problem = refusal(model(), tmp_path, report=lambda report: managed(report, queued(0)))
    assert "cq" in problem.what
    made = prepare(model(), tmp_path, report=lambda report: managed(report, queued(4, preempts=True)))
    assert made.plan.queue == "fast" and made.job["spec"]["suspend"] is True
    assert any("ClusterQueue cq may stop other workloads" in line for line in made.plan.cautions)


def test_a_place_that_is_not_there_is_told_from_those_that_are(tmp_path: Path) -> None:
    problem = refusal(model(), tmp_path, on="b200")
    assert "called b200" in problem.what and "L40S 45 GiB" in problem.fix and "gpu-h100-1" in problem.fix
    assert "usable" in refusal(model(), tmp_path, on="gpu-l40s-old").what


def test_somebody_s_taint_is_respected(tmp_path: Path) -> None:
    scenario = openshift_ai()
    for one in scenario.objects[NODES]:
        if one["metadata"]["name"].startswith("gpu"):
            one["spec"]["taints"] = [{"key": "team", "value": "a", "effect": "NoSchedule"}]
    problem = refusal(model(), tmp_path, scenario)
    assert "team=a:NoSchedule" in problem.what


def test_a_runtime_must_be_known(tmp_path: Path) -> None:
    problem = refusal(model(), tmp_path, report=without_runtime)
    assert problem.fix == "name it: export VLLM_RUNTIME_IMAGE=IMAGE"


def test_a_stated_inventory_is_no_cluster(tmp_path: Path) -> None:
    def stated(report: AcceleratorReport) -> AcceleratorReport:
        told = msgspec.structs.replace(report.inventory, origin="--gpu")
        return msgspec.structs.replace(report, inventory=told)

    assert "no cluster" in refusal(model(), tmp_path, report=stated).what


def test_without_a_config_nothing_starts(tmp_path: Path) -> None:
    found = Found({"tokenizer.json": b"{}"}, (("config.json", "it has 1 TB"),))
    assert "it has 1 TB" in refusal(model(), tmp_path, found=found).what


def test_a_tokenizer_that_is_missing_is_done_without_where_that_can_be(tmp_path: Path) -> None:
    bare = Found({"config.json": b"{}"}, (("tokenizer.json", "40.0 MiB do not fit"),))
    made = prepare(model(), tmp_path, found=bare)
    assert main_of(made)["args"][-1] == "--skip-tokenizer-init"
    assert any("--skip-tokenizer-init" in line for line in made.plan.changed)
    assert any("tokenizer" in line for line in made.plan.unproven)
    assert "--skip-tokenizer-init" not in made.basis.args
    sees = {"architectures": ["LlavaForConditionalGeneration"], "vision_config": {"hidden_size": 8}}
    assert "images or sound" in refusal(model(config=sees), tmp_path, found=bare).what
    pools = {"architectures": ["BertModel"], "hidden_size": 8}
    assert "pools" in refusal(model("--runner=pooling", config=pools), tmp_path, found=bare).what


def test_who_could_be_pushed_away_is_named_or_said_to_be_unknown(tmp_path: Path) -> None:
    scenario = with_classes(("usual", 100, "PreemptLowerPriority"))
    scenario.objects[_classes(scenario)][0]["globalDefault"] = True
    low = pod("batch-0", "team-c", "gpu-l40s-0")
    low["spec"]["priority"] = -10
    high = pod("serving-0", "team-c", "gpu-l40s-0")
    high["spec"]["priority"] = 5000
    scenario.objects[PODS] += [low, high]
    made = prepare(model(), tmp_path, scenario, on="l40s")
    assert made.plan.pushed == (
        "team-c/batch-0 on gpu-l40s-0 (priority -10)",
        "team-b/whisper-predictor-0 on gpu-l40s-0 (priority 0)",
    )
    assert "priorityClassName" not in pod_of(made)
    scenario = openshift_ai()
    scenario.faults = [Fault("priorityclasses", "status", status=403)]
    made = prepare(model(), tmp_path, scenario)
    assert made.plan.pushed == () and any("is not known" in line for line in made.plan.cautions)


def _classes(scenario: Any) -> Any:
    return next(kind for kind in scenario.objects if kind.plural == "priorityclasses")


@pytest.mark.parametrize(("enforced", "user"), [("restricted", 1000), ("baseline", None)])
def test_a_namespace_that_wants_no_root_gets_a_user(tmp_path: Path, enforced: str, user: int | None) -> None:
    scenario = openshift_ai()
    scenario.user = admin()
    (default,) = (one for one in scenario.objects[NAMESPACES] if one["metadata"]["name"] == "default")
    default["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": enforced}
    made = prepare(model(), tmp_path, scenario)
    context = pod_of(made)["securityContext"]
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (context.get("runAsUser"), context.get("runAsNonRoot")) == (user, True if user else None)


def test_openshift_gives_the_pod_its_user(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.objects[Kind("security.openshift.io", "v1", "rangeallocations", "RangeAllocation")] = []
    context = pod_of(prepare(model(), tmp_path, scenario))["securityContext"]
    assert context == {"seccompProfile": {"type": "RuntimeDefault"}, "runAsNonRoot": True}
