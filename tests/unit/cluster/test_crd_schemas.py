"""The stub's objects and our readers, held against the schemas of the kinds that they stand for."""

from __future__ import annotations

import copy
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import yaml
from crd_support import (
    FOLDER,
    KSERVE,
    checker,
    core_schemas,
    faults,
    faults_of,
    fields,
    has,
    kind_file,
    names,
    schemas,
)
from old_operators import openshift_ai_216
from test_data_science_cluster import as_object, cases

import modelcar_tui.cluster
from modelcar_tui.cluster import (
    access,
    data_science_cluster,
    home,
    inventory,
    kueue,
    llm_services,
    offers,
    operators,
    preflight,
    profiles,
    pull,
    quotas,
    runtimes,
    scale,
)
from modelcar_tui.demo.kube_objects import DSC, PROFILES, RUNTIMES
from modelcar_tui.demo.kube_operators import hardware_profile
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_store import Kind
from modelcar_tui.kube import objects

DSC_FILE = "datascienceclusters.datasciencecluster.opendatahub.io"


def every(scenario: Scenario) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """The scenario's objects, and the ServingRuntimes within its templates."""
    for kind, several in scenario.objects.items():
        for one in several:
            yield kind, one
            for inner in one.get("objects", ()):
                yield RUNTIMES, inner


@pytest.mark.parametrize("scenario", [openshift_ai, openshift_ai_216])
def test_every_object_of_a_stub_is_one_that_an_api_server_takes(scenario: Callable[[], Scenario]) -> None:
    found = list(every(scenario()))
    assert [fault for kind, one in found for fault in faults_of(kind, one)] == []
    held = {f"{kind.plural}.{kind.group}" for kind, _ in found} & set(names())
    assert len(held) >= 8


@pytest.mark.parametrize(
    ("release", "scenario"), [("OpenShift AI 3.4", openshift_ai), ("OpenShift AI 2.16", openshift_ai_216)]
)
def test_the_operators_objects_fit_their_own_release(release: str, scenario: Callable[[], Scenario]) -> None:
    held = 0
    for kind, one in every(scenario()):
        if f"{kind.plural}.{kind.group}" in names():
            schema = dict(schemas(f"{kind.plural}.{kind.group}", kind.version)).get(release)
            held += schema is not None
            assert schema is None or faults(one, checker(schema)) == []
    assert held >= 2


def test_every_state_of_the_table_fits_a_release() -> None:
    """No release whose schema is kept takes a KServe that is Unmanaged or forced."""
    for case in cases():
        if case.get("kserve") not in ("Unmanaged", "Force"):
            assert faults_of(DSC, as_object(case)) == [], case["id"]


def misspelt(value: dict[str, Any]) -> None:
    value["status"]["conditions"][0]["reasons"] = value["status"]["conditions"][0].pop("type")


def odd_state(value: dict[str, Any]) -> None:
    value["spec"]["components"]["kserve"]["managementState"] = "removed"


def odd_status(value: dict[str, Any]) -> None:
    value["status"]["conditions"][0]["status"] = "true"


def of_v1(value: dict[str, Any]) -> None:
    value["status"]["installedComponents"] = {"kserve": True}


def number(value: dict[str, Any]) -> None:
    value["status"]["release"]["version"] = 3.4


@pytest.mark.parametrize("change", [misspelt, odd_state, odd_status, of_v1, number])
def test_an_object_that_goes_wrong_is_found(change: Callable[[dict[str, Any]], None]) -> None:
    value = copy.deepcopy(openshift_ai().objects[DSC][0])
    assert faults_of(DSC, value) == []
    change(value)
    assert faults_of(DSC, value) != []


def test_a_profile_without_its_counts_is_found() -> None:
    value = hardware_profile()
    del value["spec"]["identifiers"][0]["minCount"]
    (told,) = faults_of(PROFILES, value)
    assert "$.spec.identifiers[0]: 'minCount' is a required property" in told


DSCI_FILE = "dscinitializations.dscinitialization.opendatahub.io"
READERS: dict[type[msgspec.Struct], tuple[str, ...]] = {
    data_science_cluster.DataScienceCluster: (DSC_FILE,),
    operators.Initialization: (DSCI_FILE,),
    home._Dsci: (DSCI_FILE,),
    runtimes._Dashboard: ("odhdashboardconfigs.opendatahub.io",),
    profiles.Hardware: (
        "hardwareprofiles.infrastructure.opendatahub.io",
        "hardwareprofiles.dashboard.opendatahub.io",
    ),
    profiles.Accelerator: ("acceleratorprofiles.dashboard.opendatahub.io",),
    llm_services.Service: ("llminferenceservices.serving.kserve.io",),
    offers.Template: ("templates.template.openshift.io",),
    offers.ServingRuntime: ("servingruntimes.serving.kserve.io",),
    kueue.LocalQueue: ("localqueues.kueue.x-k8s.io",),
    kueue.ClusterQueue: ("clusterqueues.kueue.x-k8s.io",),
    quotas.AppliedClusterResourceQuota: ("appliedclusterresourcequotas.quota.openshift.io",),
    scale.MachineSet: ("machinesets.machine.openshift.io",),
    preflight._ClusterVersion: ("clusterversions.config.openshift.io",),
    inventory._Infrastructure: ("infrastructures.config.openshift.io",),
    access._OpenShiftUser: ("users.user.openshift.io",),
}
"""A field has to be known to one release of one of the kinds."""
CORE: dict[type[msgspec.Struct], tuple[str, ...]] = {
    objects.Node: ("core.v1.Node",),
    objects.Pod: ("core.v1.Pod",),
    objects.ResourceSlice: ("resource.v1.ResourceSlice", "resource.v1beta1.ResourceSlice"),
    objects.ResourceClaim: ("resource.v1.ResourceClaim", "resource.v1beta1.ResourceClaim"),
    objects.DeviceClass: ("resource.v1.DeviceClass",),
    quotas.ResourceQuota: ("core.v1.ResourceQuota",),
    quotas.LimitRange: ("core.v1.LimitRange",),
    pull._Account: ("core.v1.ServiceAccount",),
    pull._Secret: ("core.v1.Secret",),
    kueue._Namespace: ("core.v1.Namespace",),
    access._Review: ("authorization.v1.SelfSubjectAccessReview", "authentication.v1.SelfSubjectReview"),
}
"""Kubernetes' own kinds, as its OpenAPI document names them."""


class MisspeltSpec(msgspec.Struct):
    aplicationsNamespace: str = ""  # noqa: N815


class MisspeltCondition(msgspec.Struct):
    type: str = ""
    state: str = ""


class MisspeltStatus(msgspec.Struct):
    conditions: list[MisspeltCondition] | None = None


class Misspelt(msgspec.Struct):
    spec: MisspeltSpec | None = None
    status: MisspeltStatus = msgspec.field(default_factory=MisspeltStatus)


def unknown_fields(reader: type[msgspec.Struct], against: list[Any]) -> list[str]:
    return [path for path in fields(reader) if not any(has(schema, path) for schema in against)]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_every_field_that_we_read_is_one_that_some_release_has(reader: type[msgspec.Struct]) -> None:
    (metadata,) = core_schemas("apimachinery.pkg.apis.meta.v1.ObjectMeta")[-1:]
    against = []
    releases = [release for name in READERS[reader] for release in kind_file(name)["releases"]]
    for schema in (schema for release in releases for schema in release["versions"].values()):
        against.append({**schema, "properties": {**schema["properties"], "metadata": metadata}})
    assert unknown_fields(reader, against) == []


@pytest.mark.parametrize("reader", CORE, ids=lambda reader: reader.__name__)
def test_every_field_of_kubernetes_own_kinds_is_one_that_some_release_has(
    reader: type[msgspec.Struct],
) -> None:
    against = [schema for name in CORE[reader] for schema in core_schemas(f"api.{name}")]
    assert unknown_fields(reader, against) == []


def test_a_misspelt_field_of_a_reader_is_found() -> None:
    against = [schema for _, schema in schemas(DSCI_FILE, "v2")]
    assert unknown_fields(Misspelt, against) == ["spec.aplicationsNamespace", "status.conditions[].state"]


def _parts(kind: type[msgspec.Struct]) -> list[str]:
    """The fields of a type that are types of ours themselves."""
    return [path.partition(".")[0] for path in fields(kind) if "." in path and "[" not in path]


def test_every_reader_of_an_object_is_held_against_a_schema() -> None:
    """A new type with `metadata`, `spec` or `status` wants a line in READERS or CORE."""
    rooms = [
        importlib.import_module(f"modelcar_tui.cluster.{one.name}")
        for one in pkgutil.iter_modules(modelcar_tui.cluster.__path__)
    ]
    found = {
        kind
        for room in (*rooms, objects)
        for _, kind in inspect.getmembers(room, inspect.isclass)
        if issubclass(kind, msgspec.Struct)
        and {"metadata", "spec", "status"} & set(_parts(kind))
        and kind.__module__.startswith("modelcar_tui.")
    }
    parts = {scale.MachineTemplate, scale.MachineSpec, objects.Device}
    assert {kind.__qualname__ for kind in found - READERS.keys() - CORE.keys() - parts} == set()


def unstructural(schema: dict[str, Any], path: str) -> Iterator[str]:
    """Where a schema breaks the rules of a CustomResourceDefinition (apiextensions-apiserver,
    pkg/apiserver/schema/validation.go): a type everywhere, no references."""
    loose = schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    if "type" not in schema and not loose:
        yield f"{path} has no type"
    if schema.keys() & {"$ref", "definitions", "patternProperties", "uniqueItems", "readOnly"}:
        yield f"{path} has what is forbidden"
    if {"properties", "additionalProperties"} <= schema.keys():
        yield f"{path} is a map and an object"
    for name, inner in schema.get("properties", {}).items():
        yield from unstructural(inner, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(word), dict):
            yield from unstructural(inner, f"{path}.{word}")


def test_a_server_takes_every_schema_as_a_definition() -> None:
    releases = [(name, release) for name in names() for release in kind_file(name)["releases"]]
    for name, release in releases:
        for version, schema in release["versions"].items():
            assert [*unstructural(schema, f"{name} {version}")] == []


def test_each_schema_names_its_source() -> None:
    listed = [
        (one["release"], one["repository"], one["commit"], one["path"])
        for one in yaml.safe_load((FOLDER / "sources.yaml").read_text())
    ]
    listed += [
        (f"OpenShift AI {one['release']}", one["repository"], one["commit"], path)
        for one in yaml.safe_load((KSERVE / "sources.yaml").read_text())
        for path in one["paths"]
    ]
    kept = [
        (one["release"], one["repository"], one["commit"], one["path"])
        for name in names()
        for one in kind_file(name)["releases"]
    ]
    assert sorted(listed) == sorted(kept)
    assert all(len(commit) == 40 for _, _, commit, _ in kept)
