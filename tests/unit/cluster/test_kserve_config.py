"""KServe's settings: how an oci:// image comes to the server, and what is deployed; answers by hand from
kserve's pkg/types/config.go, pkg/utils/imagevolume.go and GetDeploymentMode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cluster_support import look_at

from modelcar_tui.cluster.kserve_config import Around, Settings, kserve_checks, kserve_of
from modelcar_tui.cluster.serving_types import DeploymentMode, OciMode
from modelcar_tui.cluster.types import State
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import CONFIG_MAPS
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.manifest.scheduling import Scheduling, Toleration

OPENSHIFT = ("serving.kserve.io", "config.openshift.io")
PLAIN = ("serving.kserve.io",)
TOLERATES = Scheduling(tolerations=(Toleration(key="x", operator="Exists"),))


def settings(storage: dict[str, Any] | None = None, features: Any = None, **more: Any) -> Settings:
    switch = {"enableModelcar": True} if storage is None else storage
    data = {
        "storageInitializer": json.dumps(switch),
        **{key: json.dumps(value) for key, value in more.items()},
    }
    return Settings(namespace="redhat-ods-applications", data=data, features=features)


@pytest.mark.parametrize(
    ("storage", "mode", "state"),
    [
        ({"enableModelcar": True}, OciMode.MODELCAR, State.OK),
        ({"enableModelcar": False}, OciMode.OFF, State.BLOCKED),
        ({"enableOciModelSupport": True}, OciMode.MODELCAR, State.OK),
        ({"enableOciModelSupport": False, "enableModelcar": True}, OciMode.MODELCAR, State.OK),
        ({"enableOciModelSupport": True, "enableModelcar": False}, OciMode.MODELCAR, State.OK),
        ({"enableOciModelSupport": False, "enableModelcar": False}, OciMode.OFF, State.BLOCKED),
        # as kserve's config/configmap/inferenceservice.yaml of 0.20 has it: the mode beats both switches
        (
            {"enableOciModelSupport": False, "enableModelcar": False, "ociModelMode": "modelcar"},
            OciMode.MODELCAR,
            State.OK,
        ),
        ({"enableModelcar": True, "ociModelMode": ""}, OciMode.MODELCAR, State.OK),
        ({"enableModelcar": False, "ociModelMode": ""}, OciMode.OFF, State.BLOCKED),
        ({"enableModelcar": True, "ociModelMode": "fetch"}, OciMode.FETCH, State.OK),
        ({"enableModelcar": True, "ociModelMode": "native"}, OciMode.NATIVE, State.OK),
        ({"enableModelcar": True, "ociModelMode": "sidecar"}, OciMode.UNKNOWN, State.UNKNOWN),
        ({"enableModelcar": True, "ociModelMode": 3}, OciMode.UNKNOWN, State.UNKNOWN),
        ({"enableModelcar": "true"}, OciMode.UNKNOWN, State.UNKNOWN),
        ({}, OciMode.OFF, State.WARNING),
    ],
)
def test_the_mode_and_both_switches(storage: dict[str, Any], mode: OciMode, state: State) -> None:
    found = settings(storage)
    assert kserve_of(found).oci_mode is mode
    (check,) = kserve_checks(found, Around(kubernetes="v1.35.1", groups=OPENSHIFT))
    assert (check.code, check.state) == ("model-car-switch", state)
    assert (check.state is State.OK) is (check.fix == "")
    assert check.state is State.OK or "oc edit configmap inferenceservice-config -n redhat-" in check.fix


@pytest.mark.parametrize(
    ("kubernetes", "groups", "state"),
    [
        ("v1.30.4", OPENSHIFT, State.BLOCKED),
        ("v1.31.1", PLAIN, State.BLOCKED),
        ("v1.32.9", OPENSHIFT, State.BLOCKED),
        ("v1.33.2", PLAIN, State.UNKNOWN),
        ("v1.33.6", OPENSHIFT, State.OK),
        ("v1.34.2", None, State.UNKNOWN),
        ("v1.34.2", OPENSHIFT, State.OK),
        ("v1.35.0", PLAIN, State.OK),
        ("v1.36.1-gke.100", PLAIN, State.OK),
        ("", OPENSHIFT, State.UNKNOWN),
    ],
)
def test_native_takes_image_volumes_with_a_sub_path(
    kubernetes: str, groups: tuple[str, ...] | None, state: State
) -> None:
    found = settings({"enableModelcar": True, "ociModelMode": "native"})
    (check,) = kserve_checks(found, Around(kubernetes=kubernetes, groups=groups))
    assert check.state is state, check.what
    assert "image volumes (ociModelMode native)" in check.what
    assert bool(check.fix) is (state is not State.OK)


@pytest.mark.parametrize(
    ("named", "mode"),
    [
        ("Standard", DeploymentMode.STANDARD),
        ("RawDeployment", DeploymentMode.STANDARD),
        ("Knative", DeploymentMode.KNATIVE),
        ("Serverless", DeploymentMode.KNATIVE),
        ("ModelMesh", DeploymentMode.MODEL_MESH),
        ("serverless", DeploymentMode.UNKNOWN),
        (7, DeploymentMode.UNKNOWN),
    ],
)
def test_the_deployment_mode_by_older_and_newer_names(named: object, mode: DeploymentMode) -> None:
    found = settings(deploy={"defaultDeploymentMode": named}, service={"serviceClusterIPNone": True})
    assert kserve_of(found).deployment_mode is mode
    assert kserve_of(found).headless is True
    refused = [one for one in kserve_checks(found, Around(groups=PLAIN)) if one.code == "deployment-mode"]
    assert bool(refused) is (mode is not DeploymentMode.STANDARD)


@pytest.mark.parametrize(
    ("groups", "features", "scheduling", "release", "says"),
    [
        (PLAIN, None, Scheduling(), "v0.17.0", "no Knative Serving; the QA suite's InferenceServices name"),
        (PLAIN, None, Scheduling(), "v0.15.2", "KServe v0.15.2 does not know the Standard"),
        (None, None, Scheduling(), None, ""),
        ((*PLAIN, "serving.knative.dev"), None, TOLERATES, None, ""),
        ((*PLAIN, "serving.knative.dev"), {}, Scheduling(), None, ""),
        ((*PLAIN, "serving.knative.dev"), {}, TOLERATES, None, "Knative refuses the tolerations"),
        (
            (*PLAIN, "serving.knative.dev"),
            {"kubernetes.podspec-tolerations": "Enabled"},
            TOLERATES,
            None,
            "",
        ),
        (
            (*PLAIN, "serving.knative.dev"),
            {"kubernetes.podspec-tolerations": "disabled"},
            TOLERATES,
            None,
            "Knative refuses",
        ),
    ],
)
def test_serverless_is_told_of_where_it_can_t_be_had(
    groups: tuple[str, ...] | None, features: Any, scheduling: Scheduling, release: str | None, says: str
) -> None:
    found = settings(deploy={"defaultDeploymentMode": "Serverless"}, features=features)
    around = Around(groups=groups, scheduling=scheduling, release=release)
    told = [one for one in kserve_checks(found, around) if one.code == "deployment-mode"]
    assert bool(told) is bool(says)
    for check in told:
        assert check.state is State.WARNING
        assert says in check.what
        mode = "RawDeployment" if release == "v0.15.2" else "Standard"
        assert f"serving.kserve.io/deploymentMode: {mode}" in check.fix


def test_hostile_settings_are_quoted_cleaned_and_short() -> None:
    found = settings({"ociModelMode": "\x1b[2Jx" * 400}, deploy={"defaultDeploymentMode": "\x1b]0;x\x07"})
    for check in kserve_checks(found, Around()):
        assert "\x1b" not in check.what and len(check.what) < 400


async def test_the_settings_are_read_over_the_wire_and_come_into_the_report(tmp_path: Path) -> None:
    scenario = openshift_ai()
    data = scenario.objects[CONFIG_MAPS][0]["data"]
    data["storageInitializer"] = '{"enableOciModelSupport": true, "ociModelMode": "fetch"}'
    data["deploy"] = '{"defaultDeploymentMode": "Serverless"}'
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        asked = [request for request in cluster.requests if "config-features" in request]
    assert report.kserve is not None
    assert report.kserve.namespace == "redhat-ods-applications"
    assert (report.kserve.oci_mode, report.kserve.deployment_mode) == (OciMode.FETCH, DeploymentMode.KNATIVE)
    assert [one.state for one in report.checks if one.code == "deployment-mode"] == [State.WARNING]
    assert len(asked) == 1
