"""What gets a pod onto its node, and keeps it off others: profiles, tolerations, labels, queues."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from render_support import TAINT, THERE, cluster, documents, model, node, profile, render

from modelcar_tui.cluster.limit_types import NamespaceLimits, Queue
from modelcar_tui.cluster.serving_types import ProfileKind, Profiles
from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.scheduling import Scheduling, Toleration


def service(*args: Any, **more: Any) -> dict[str, Any]:
    """The last document: the InferenceService."""
    return documents(render(*args, **more))[-1]


def test_a_profile_that_tolerates_the_taint_is_named_and_gives_the_toleration() -> None:
    where = cluster(node(TAINT), profiles=Profiles(found=(profile(),)))
    made = service(model(), where=where)
    notes = made["metadata"]["annotations"]
    assert notes["opendatahub.io/hardware-profile-name"] == "l40s"
    assert notes["opendatahub.io/hardware-profile-namespace"] == "apps"
    assert "tolerations" not in made["spec"]["predictor"]


def test_a_profile_that_only_the_dashboard_applies_is_not_named() -> None:
    old = profile(kind=ProfileKind.ACCELERATOR)
    made = service(model(), where=cluster(node(TAINT), profiles=Profiles(found=(old,))))
    assert not [key for key in made["metadata"]["annotations"] if "profile" in key]
    assert made["spec"]["predictor"]["tolerations"][0]["key"] == "nvidia.com/gpu"


def test_without_a_profile_the_pod_tolerates_the_taint_and_what_its_runtime_tolerates() -> None:
    """A list of the InferenceService takes the place of the runtime's."""
    held = Toleration(key="spot", operator="Exists")
    runtime = msgspec.structs.replace(THERE, scheduling=Scheduling(tolerations=(held,)))
    where = cluster(node(TAINT, "dedicated:NoExecute", "spot:NoSchedule"), runtime=runtime)
    made = render(model(), where=where)
    assert documents(made)[0]["spec"]["predictor"]["tolerations"] == [
        {"key": "spot", "operator": "Exists"},
        {"key": "nvidia.com/gpu", "operator": "Equal", "value": "l40s", "effect": "NoSchedule"},
        {"key": "dedicated", "operator": "Exists", "effect": "NoExecute"},
    ]
    assert "# gpu-0 is tainted (nvidia.com/gpu=l40s:NoSchedule, dedicated:NoExecute)" in made.text


def test_the_resource_scheduler_and_pull_secrets_are_the_pod_s() -> None:
    odd = node(scheduler="spyre-scheduler", resource="nvidia.com/mig-3g.40gb", mem=40_000)
    predictor = service(model(), where=cluster(odd), pull_secrets=("one", "two"))["spec"]["predictor"]
    assert predictor["schedulerName"] == "spyre-scheduler"
    assert predictor["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert predictor["model"]["resources"]["requests"]["nvidia.com/mig-3g.40gb"] == "1"


@pytest.mark.parametrize(
    ("small", "want"),
    [
        ("Tesla-T4", {"nvidia.com/gpu.product": "NVIDIA-L40S"}),
        ("NVIDIA-L40S", None),
    ],
)
def test_a_model_that_runs_on_one_card_only_is_pinned_to_it(small: str, want: dict[str, str] | None) -> None:
    """Both cards are asked for as nvidia.com/gpu, so the scheduler could choose the small one."""
    cards = (
        node(labels={"nvidia.com/gpu.product": "NVIDIA-L40S"}),
        node(name="t4", product="Tesla-T4", mem=15360, cc="7.5", labels={"nvidia.com/gpu.product": small}),
    )
    made = render(model("--max-model-len=8192", gib=15), where=cluster(*cards, runtime=THERE))
    assert documents(made)[0]["spec"]["predictor"].get("nodeSelector") == want
    assert ("it does not run on Tesla-T4" in " ".join(made.notes)) is (want is None)


def test_the_queue_is_named_where_kueue_decides_and_there_is_one() -> None:
    def limits(*names: str) -> NamespaceLimits:
        return NamespaceLimits(namespace="ns", managed=True, queues=tuple(Queue(name=name) for name in names))

    one = service(model(), where=cluster(node(), limits=limits("team")))
    assert one["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team"
    several = render(model(), where=cluster(node(), limits=limits("a", "b")))
    assert "kueue.x-k8s.io/queue-name" not in documents(several)[-1]["metadata"]["labels"]
    assert any("name a queue of a, b" in note for note in several.notes)


def test_where_no_accelerator_is_known_nothing_is_asked_for() -> None:
    with pytest.raises(UserError, match="which accelerator its pod asks for is not known"):
        render(model(), where=cluster(runtime=None))
