"""What is said of KServe's objects offline, held against what a real API server said of the same objects."""

from __future__ import annotations

import copy
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from kserve_objects import BASES, DIFFERENT, GONE, agree, answers, as_answer, as_served, cases, edited

from modelcar_tui.core.errors import UserError
from modelcar_tui.kserve import KSERVE_RELEASES, kept_release, served, source_of, validate
from modelcar_tui.kserve.schemas import kept, schema_of
from modelcar_tui.kserve.settle import MAX_DEPTH, MAX_VALUES, step
from modelcar_tui.kserve.structure import FORMATS

SCHEMAS = {
    digest: (kind, version, one.release)
    for one in kept().releases
    for kind, shipped in one.kinds.items()
    for version, digest in shipped.versions.items()
}
INFERENCE = BASES["InferenceService"]
MODEL = "spec.predictor.model"


def told(base: dict[str, Any], edit: dict[str, Any], release: str | None = None) -> list[tuple[str, str]]:
    """Code and field of each problem of an edited object."""
    return [(one.code, one.where) for one in validate(edited(base, edit), release)]


@pytest.mark.parametrize("digest", SCHEMAS)
def test_it_says_what_the_api_server_said(digest: str) -> None:
    kind, version, release = SCHEMAS[digest]
    theirs = answers()[digest]
    objects = cases(kind)
    assert objects.keys() == theirs.keys(), "RECORD_ANSWERS=1 make test-apiserver keeps new answers"
    for name, one in objects.items():
        ours = as_answer(validate(as_served(one, version), release))
        if name not in DIFFERENT:
            assert agree(ours, theirs[name]), name


def test_the_answers_tell_good_from_bad() -> None:
    every = [one for found in answers().values() for one in found.values()]
    assert sum(one.taken and not one.dropped for one in every) > 300
    assert sum(bool(one.dropped) for one in every) > 100
    assert sum(not one.taken for one in every) > 600
    assert answers().keys() == SCHEMAS.keys()


@pytest.mark.parametrize("release", KSERVE_RELEASES)
@pytest.mark.parametrize("kind", BASES)
def test_a_good_object_is_good_wherever_its_kind_is_served(kind: str, release: str) -> None:
    for version in served(kind, release):
        found = validate(as_served(BASES[kind], version), release)
        assert {one.code for one in found} <= {"rule-unchecked"}
    if not served(kind, release):
        (only,) = validate(BASES[kind], release)
        assert only.code == "kind-unserved"
        assert release in only.what


def test_releases_serve_what_they_install() -> None:
    assert [one.release for one in kept().releases] == list(KSERVE_RELEASES)
    assert served("LLMInferenceService", "2.22") == ()
    assert served("LLMInferenceService", "2.25") == ("v1alpha1",)
    assert served("LLMInferenceService", "3.4") == ("v1alpha1", "v1alpha2")
    assert served("ClusterServingRuntime", "3.4") == ()
    assert served("ClusterServingRuntime") == ("v1alpha1",)
    (only,) = validate(BASES["LLMInferenceService"], "2.16")
    assert only.fix == "the first that does: 2.25"
    (only,) = validate(as_served(INFERENCE, "v1"), "3.4")
    assert only.fix == "write apiVersion: serving.kserve.io/v1beta1"


def test_every_schema_has_its_source() -> None:
    for release in KSERVE_RELEASES:
        source = source_of("InferenceService", release)
        assert source is not None
        assert source.repository == "red-hat-data-services/kserve"
        assert re.fullmatch(r"[0-9a-f]{40}", source.commit)
        assert source.path.endswith("serving.kserve.io_inferenceservices.yaml")
        assert re.fullmatch(r"red-hat-data-services/[\w-]+@[0-9a-f]{40}:\S+", source.named_by)
    assert source_of("LLMInferenceService", "2.16") is None


def test_another_release_is_said_with_those_that_are_kept() -> None:
    with pytest.raises(UserError) as caught:
        validate(INFERENCE, "2.20")
    assert "2.20" in str(caught.value)
    assert "2.22" in str(caught.value)


def test_releases_differ_where_their_schemas_do() -> None:
    edit = {"spec.schedulerName": "spyre-scheduler"}
    runtime = BASES["ServingRuntime"]
    assert told(runtime, edit, "3.3") == [("field-unknown", "spec.schedulerName")]
    assert told(runtime, edit, "3.4") == []


@pytest.mark.parametrize(
    ("edit", "code", "where"),
    [
        ({f"{MODEL}.arg": []}, "field-unknown", f"{MODEL}.arg"),
        ({f"{MODEL}.args[0]": 1}, "type-wrong", f"{MODEL}.args[0]"),
        ({f"{MODEL}.ports[0].containerPort": GONE}, "field-missing", f"{MODEL}.ports[0].containerPort"),
        ({"spec.predictor.scaleMetric": "gpu"}, "value-not-allowed", "spec.predictor.scaleMetric"),
        ({f"{MODEL}.resources.limits.memory": "9GB"}, "value-malformed", f"{MODEL}.resources.limits.memory"),
        ({f"{MODEL}.ports[0].containerPort": 2**31}, "value-malformed", f"{MODEL}.ports[0].containerPort"),
        ({f"{MODEL}.env[1].name": "HF_TOKEN"}, "value-twice", f"{MODEL}.env[1]"),
        ({"spec.predictor.storageUris": []}, "value-out-of-range", "spec.predictor.storageUris"),
        ({"metadata.labels": {"a.b/c": "no blanks"}}, "value-malformed", "metadata.labels[a.b/c]"),
        ({"metadata.namespace": "Team"}, "value-malformed", "metadata.namespace"),
    ],
)
def test_each_problem_has_its_code_and_its_field(edit: dict[str, Any], code: str, where: str) -> None:
    assert told(INFERENCE, edit) == [(code, where)]


def test_a_near_name_is_offered() -> None:
    (only,) = validate(edited(INFERENCE, {f"{MODEL}.storageURI": "oci://a"}))
    assert only.fix == "is it storageUri?"


def test_problems_come_in_the_order_of_the_object() -> None:
    edit = {"metadata.labels": {"a": 1}, "spec.predictor.foo": 1, f"{MODEL}.args[0]": 1}
    assert [where for _, where in told(INFERENCE, edit)] == [
        "metadata.labels.a",
        "spec.predictor.foo",
        f"{MODEL}.args[0]",
    ]


def test_the_object_is_not_changed() -> None:
    value = edited(INFERENCE, {f"{MODEL}.arg": [], f"{MODEL}.ports[0].protocol": GONE})
    before = copy.deepcopy(value)
    validate(value)
    assert value == before


def test_no_value_is_told() -> None:
    """What stands in an environment may be a secret."""
    secret = "hf_abcdefghijklmnopqrstuvwxyz012345"
    for edit in (
        {f"{MODEL}.env[1].value": [secret]},
        {f"{MODEL}.env": {"TOKEN": secret}},
        {f"{MODEL}.resources.limits.memory": secret},
        {"spec.predictor.scaleMetric": secret},
        {"metadata.name": f"{secret} "},
    ):
        found = validate(edited(INFERENCE, edit))
        assert found
        assert secret not in "".join(map(str, found))


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "\u202eevil", "a" * 5000, ""])
def test_hostile_names_of_fields_stay_one_clean_line(name: str) -> None:
    for base in (
        {"spec": {**INFERENCE["spec"], name: 1}},
        {"metadata": {"name": "a", "labels": {name: "x y"}}},
    ):
        for one in validate({**INFERENCE, **base}):
            line = str(one)
            assert line.isprintable()
            assert "\u202e" not in line
            assert len(line) < 500


def test_hostile_kinds() -> None:
    for kind in ("\x1b[31mPod", "Pod", "InferenceServices"):
        (only,) = validate({**INFERENCE, "kind": kind})
        assert only.code == "kind-unknown"
        assert str(only).isprintable()
    assert [one.where for one in validate({})] == ["apiVersion"]
    assert [one.code for one in validate({"apiVersion": "serving.kserve.io/v1beta1", "kind": 3})] == [
        "type-wrong"
    ]


def test_aliases_that_unfold_to_billions_cost_nothing() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "\n".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 8)}]" for level in range(1, 12)
    )
    began = time.monotonic()
    (only,) = validate({**INFERENCE, "spec": yaml.safe_load(text)})
    assert only.code == "too-large"
    assert f"{MAX_VALUES:,} values" in only.what
    assert time.monotonic() - began < 5


def test_a_hostile_object_costs_seconds_at_most() -> None:
    """Its lists and fields are not compared with each other."""
    predictor = INFERENCE["spec"]["predictor"]
    model = {**predictor["model"], "env": [{"name": "A", "value": 1}] * 12_000}
    began = time.monotonic()
    assert len(validate({**INFERENCE, "spec": {"predictor": {**predictor, "model": model}}})) == 101
    assert (
        len(validate({**INFERENCE, "spec": {**INFERENCE["spec"], **{f"x{at}": 1 for at in range(40_000)}}}))
        == 101
    )
    assert time.monotonic() - began < 15


def test_a_version_of_the_cluster_finds_its_release() -> None:
    told = {
        "3.4.2": "3.4",
        "2.25.0": "2.25",
        "3.4": "3.4",
        "3.5.0-ea.1": "3.5",
        "2.20.1": None,
        "2.160": None,
        "": None,
    }
    assert {version: kept_release(version) for version in told} == told


def test_a_deep_object_is_no_recursion_error() -> None:
    deep: Any = {}
    for _ in range(MAX_DEPTH + 5):
        deep = {"a": deep}
    (only,) = validate({**INFERENCE, "spec": deep})
    assert only.code == "too-large"


def test_many_problems_are_counted() -> None:
    found = validate({**INFERENCE, "spec": {**INFERENCE["spec"], **{f"x{at}": 1 for at in range(1500)}}})
    assert len(found) == 101
    assert found[-1].what == "1,400 more in this object"


def test_yaml_values_that_json_lacks() -> None:
    assert told(INFERENCE, {"metadata.creationTimestamp": None}) == []
    value = copy.deepcopy(INFERENCE)
    value["metadata"]["creationTimestamp"] = datetime(2026, 1, 1, tzinfo=UTC)
    value["spec"]["predictor"]["nodeSelector"] = {2: "a", True: "b"}
    assert validate(value) == ()
    for odd, code in ((float("nan"), "type-wrong"), (b"x", "type-wrong"), ({1.5: "a"}, "type-wrong")):
        value["spec"]["predictor"]["nodeSelector"] = {"a": odd} if not isinstance(odd, dict) else odd
        assert [one.code for one in validate(value)] == [code]


def test_objects_of_the_cluster_stand_in_no_namespace() -> None:
    found = told(BASES["ClusterServingRuntime"], {"metadata.namespace": "team-a"})
    assert found == [("value-malformed", "metadata.namespace")]


def words(schema: Any, *, names: bool = False) -> set[str]:
    """Every word of the schema's language in it, its formats as `format:int32`."""
    if isinstance(schema, list):
        return set().union(*map(words, schema))
    if not isinstance(schema, dict):
        return set()
    inner = (words(one, names=key == "properties" and not names) for key, one in schema.items())
    own = set() if names else set(schema) | {f"format:{schema['format']}" for _ in "x" if "format" in schema}
    return own.union(*inner)


def test_the_schemas_say_nothing_that_is_not_understood() -> None:
    """A new release's schemas may bring a word that nobody reads: it would be passed over."""
    found = set().union(*(words(schema_of(*one)) for one in SCHEMAS.values()))
    rules = {"rule", "message", "x-kubernetes-validations"}
    values = {"path", "matches", "type", "value"}  # of a default
    assert found - rules - values == {
        *("additionalProperties", "anyOf", "default", "enum", "format", "items", "maxItems", "maxLength"),
        *(
            "maxProperties",
            "maximum",
            "minItems",
            "minLength",
            "minProperties",
            "minimum",
            "pattern",
            "properties",
        ),
        *("required", "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys", "x-kubernetes-list-type"),
        *("x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields"),
        *(f"format:{one}" for one in FORMATS),
    }


def test_paths_are_written_as_the_server_writes_them() -> None:
    assert step("", "spec") == "spec"
    assert step("spec", "a") == "spec.a"
    assert step("metadata.labels", "a.b/c") == "metadata.labels[a.b/c]"


def test_the_data_is_small() -> None:
    import modelcar_tui.kserve

    folder = Path(modelcar_tui.kserve.__file__).parent / "crds"
    assert sum(one.stat().st_size for one in folder.glob("*.xz")) < 400_000
