"""The pod of the QA Job against what restricted clusters admit, and the options that shape it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelcar_tui import agent
from modelcar_tui.commands.options import settings_fields
from modelcar_tui.core.stamps import seconds
from modelcar_tui.kube.jobs import has_run, started
from modelcar_tui.qa.engines.kube_indexed import Exit
from modelcar_tui.qa.engines.kube_objects import indexed_job, probe_job, suite_job
from modelcar_tui.qa.engines.kube_options import CONTAINER, JobOptions, toleration
from modelcar_tui.qa.engines.kube_state import exit_of
from modelcar_tui.qa.image import IMAGE
from modelcar_tui.qa.types import QaRequest

REQUEST = QaRequest(run_id="r", image=f"{IMAGE}:latest", manifest_path="m.yaml", timeout_s=1200.0)
OPTIONS = JobOptions(namespace="qa", parallel=1)
TREE = "/home/odh/opendatahub-tests/tests/__snapshots__"
ARGS = ("--model_car_yaml_path=/run/modelcar-tui/modelcar.yaml",)
Job = dict[str, Any]
JOBS: dict[str, Callable[[QaRequest, JobOptions], Job]] = {
    "probe": lambda request, options: probe_job(request, options, "true"),
    "suite": lambda request, options: suite_job(request, options, ARGS, {}, TREE),
    "index": lambda request, options: indexed_job(request, options, ARGS, {}, ("a", "b"), TREE),
}


def pod_of(kind: str, options: JobOptions = OPTIONS, request: QaRequest = REQUEST) -> dict[str, Any]:
    pod: dict[str, Any] = JOBS[kind](request, options)["spec"]["template"]["spec"]
    return pod


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (one,) = pod["containers"]
    found: dict[str, Any] = one
    return found


def effective(pod: dict[str, Any], field: str) -> Any:
    """A field of the container's security context, else the pod's, as the kubelet takes it."""
    return container(pod)["securityContext"].get(field, pod["securityContext"].get(field))


PSS = "Pod Security Standards, restricted (kubernetes.io/docs/concepts/security/pod-security-standards)"
SCC = "restricted-v2 (openshift/cluster-kube-apiserver-operator, bindata/bootkube/scc-manifests)"
CORE = {"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
RULES: dict[str, tuple[str, Callable[[dict[str, Any]], bool]]] = {
    "no namespace of the host": (
        f"{PSS}; {SCC}: allowHostNetwork, allowHostPID, allowHostIPC",
        lambda pod: not any(pod.get(f"host{name}") for name in ("Network", "PID", "IPC")),
    ),
    "no port of the host": (
        f"{PSS}; {SCC}: allowHostPorts",
        lambda pod: not any(port.get("hostPort") for port in container(pod).get("ports", [])),
    ),
    "volumes of the core kinds": (
        f"{PSS}; {SCC}: volumes",
        lambda pod: {kind for one in pod["volumes"] for kind in one if kind != "name"} <= CORE,
    ),
    "not privileged": (
        f"{PSS}; {SCC}: allowPrivilegedContainer",
        lambda pod: not effective(pod, "privileged"),
    ),
    "no way to more privileges": (
        f"{PSS}; {SCC}: allowPrivilegeEscalation",
        lambda pod: container(pod)["securityContext"]["allowPrivilegeEscalation"] is False,
    ),
    "not root": (PSS, lambda pod: effective(pod, "runAsNonRoot") is True),
    "a user of the namespace's range": (
        f"{SCC}: runAsUser MustRunAsRange; PSS: not 0",
        lambda pod: effective(pod, "runAsUser") is None,
    ),
    "groups as the namespace has them": (
        f"{SCC}: fsGroup MustRunAs",
        lambda pod: not {"fsGroup", "runAsGroup", "supplementalGroups"} & set(pod["securityContext"]),
    ),
    "the runtime's seccomp profile": (
        f"{PSS}; {SCC}: seccompProfiles runtime/default",
        lambda pod: effective(pod, "seccompProfile") == {"type": "RuntimeDefault"},
    ),
    "no capability": (
        f"{PSS}; {SCC}: requiredDropCapabilities ALL",
        lambda pod: effective(pod, "capabilities") == {"drop": ["ALL"]},
    ),
    "SELinux, AppArmor, sysctls and /proc as they are": (
        f"{PSS}; {SCC}: seLinuxContext MustRunAs",
        lambda pod: (
            not any(
                effective(pod, name) for name in ("seLinuxOptions", "appArmorProfile", "sysctls", "procMount")
            )
        ),
    ),
}


@pytest.mark.parametrize("kind", JOBS)
@pytest.mark.parametrize("rule", RULES)
def test_each_pod_keeps_each_rule_of_restricted_clusters(rule: str, kind: str) -> None:
    source, holds = RULES[rule]
    assert holds(pod_of(kind)), source


@pytest.mark.parametrize("kind", JOBS)
def test_the_tree_is_read_only_and_what_is_written_is_the_pods_own(kind: str) -> None:
    pod = pod_of(kind)
    assert container(pod)["securityContext"]["readOnlyRootFilesystem"] is True
    empty = {one["name"] for one in pod["volumes"] if "emptyDir" in one}
    writable = {one["mountPath"] for one in container(pod)["volumeMounts"] if one["name"] in empty}
    assert writable == ({"/tmp"} if kind == "probe" else {"/tmp", TREE})
    env = {one["name"]: one["value"] for one in container(pod)["env"]}
    assert (env["HOME"], env["UV_CACHE_DIR"], env["PYTHONDONTWRITEBYTECODE"]) == (
        "/tmp",
        "/tmp/uv-cache",
        "1",
    )
    if kind != "probe":
        assert container(pod)["command"][-1] == "-ocache_dir=/tmp/pytest-cache"


def test_a_tree_that_is_not_known_is_left_as_it_is() -> None:
    job = suite_job(REQUEST, OPTIONS, ARGS, {})
    context = container(job["spec"]["template"]["spec"])["securityContext"]
    assert context["readOnlyRootFilesystem"] is False


@pytest.mark.parametrize("kind", JOBS)
def test_no_pod_carries_a_token_of_the_cluster(kind: str) -> None:
    pod = pod_of(kind)
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)


@pytest.mark.parametrize("kind", JOBS)
def test_options_reach_every_pod(kind: str) -> None:
    options = JobOptions(
        namespace="qa",
        parallel=1,
        service_account="suite",
        pull_secrets=("one", "two"),
        arch="arm64",
        tolerations=("gpu", "dedicated=qa:NoSchedule"),
        run_as=1000,
    )
    pod = pod_of(kind, options)
    assert pod["serviceAccountName"] == "suite"
    assert pod["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert pod["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    assert pod["tolerations"] == [
        {"key": "gpu", "operator": "Exists"},
        {"key": "dedicated", "operator": "Equal", "value": "qa", "effect": "NoSchedule"},
    ]
    assert pod["securityContext"]["runAsUser"] == 1000


@pytest.mark.parametrize(
    ("image", "arch", "selector"),
    [
        (f"{IMAGE}:3.4", None, {"kubernetes.io/arch": "amd64"}),
        (f"{IMAGE}@sha256:0", None, {"kubernetes.io/arch": "amd64"}),
        (f"{IMAGE}-mine:1", None, None),
        (f"{IMAGE}:3.4", "any", None),
        ("registry.example.test/suite", "s390x", {"kubernetes.io/arch": "s390x"}),
    ],
)
def test_nodes_are_those_that_the_image_is_built_for(
    image: str, arch: str | None, selector: dict[str, str] | None
) -> None:
    request = QaRequest(run_id="r", image=image, manifest_path="m.yaml")
    assert pod_of("suite", JobOptions(namespace="qa", arch=arch), request).get("nodeSelector") == selector


def test_the_probe_waits_in_no_queue_and_the_suite_does() -> None:
    options = JobOptions(namespace="qa", queue="models")
    probe, suite = JOBS["probe"](REQUEST, options), JOBS["suite"](REQUEST, options)
    assert (probe["spec"]["suspend"], suite["spec"]["suspend"]) == (False, True)
    assert "kueue.x-k8s.io/queue-name" not in probe["metadata"]["labels"]
    assert suite["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "models"


def test_the_clusters_deadlines_leave_room_for_a_node_and_a_pull() -> None:
    """Kubernetes counts from before both; our own budgets count from the container's start."""
    options = JobOptions(namespace="qa", parallel=1, start_s=900, index_start_s=300)
    assert JOBS["suite"](REQUEST, options)["spec"]["activeDeadlineSeconds"] == 1200 + 900
    assert JOBS["probe"](REQUEST, options)["spec"]["activeDeadlineSeconds"] == 300 + 900
    one = QaRequest(run_id="r", image="i", manifest_path="m.yaml", timeout_s=1200.0, model_timeout_s=600.0)
    assert pod_of("index", options, one)["activeDeadlineSeconds"] == 600 + 300


@pytest.mark.parametrize(
    ("given", "limit"), [("4g", "4Gi"), ("512m", "512Mi"), ("3Gi", "3Gi"), ("100b", "100")]
)
def test_memory_is_taken_as_podman_writes_it(given: str, limit: str) -> None:
    request = QaRequest(run_id="r", image="i", manifest_path="m.yaml", memory=given)
    assert container(pod_of("suite", request=request))["resources"]["limits"]["memory"] == limit


@pytest.mark.parametrize("text", ["", "=x", "a b", "gpu:Never", "gpu=a=b", "-x"])
def test_what_is_no_taint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no taint"):
        toleration(text)


def test_flags_become_settings() -> None:
    line = ["--qa-image-pull-secret", "a", "--qa-image-pull-secret", "b", "--qa-toleration", "gpu=:NoExecute"]
    fields = settings_fields(agent.parser().parse_args([*line, "--qa-arch", "any", "--qa-run-as", "1000"]))
    assert fields["qa_image_pull_secrets"] == ("a", "b")
    assert fields["qa_tolerations"] == ("gpu=:NoExecute",)
    assert (fields["qa_arch"], fields["qa_run_as"]) == ("any", 1000)


def test_a_container_that_a_mesh_puts_beside_the_suite_tells_nothing_of_its_end() -> None:
    over = {"state": {"terminated": {"exitCode": 0, "startedAt": "2026-01-01T00:00:00Z"}}}
    suite = {"name": CONTAINER, "state": {"running": {"startedAt": "2026-01-01T00:00:09Z"}}}
    status = {
        "initContainerStatuses": [{"name": "istio-init", **over}],
        "containerStatuses": [{"name": "istio-proxy", **over}, suite],
    }
    assert exit_of({"status": status}) is None
    assert has_run({"status": status}, CONTAINER)
    assert not has_run({"status": {**status, "containerStatuses": []}}, CONTAINER)
    assert started({"status": status}, CONTAINER)[0] == seconds("2026-01-01T00:00:09Z")
    suite["state"] = {"terminated": {"exitCode": 3}}
    assert exit_of({"status": status}) == Exit(3)
