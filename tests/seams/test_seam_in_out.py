"""In, out, in: what a file of any kind says is read again from every kind that is rendered of it."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

import pytest
import yaml
from in_out import (
    BARE,
    CUSTOM,
    DEPLOYMENT,
    INPUTS,
    LLM_NEW,
    LLM_OLD,
    RUNTIME,
    SERVICE,
    STATEFUL_SET,
    cluster,
    read,
    reading,
    turned_out,
)

from modelcar_tui.core.errors import UserError
from modelcar_tui.kserve import validate
from modelcar_tui.manifest import masked_arguments

OUTPUTS = ("InferenceService", "LLMInferenceService", "model-car")
RELEASES = ("2.16", "2.25", "3.0", "3.3", "3.4", "3.5", None)
AMOUNTS = {"cpu", "memory", "limit"}
ANEW = {"resource", "scheduling", *AMOUNTS}
NOT_IN_A_CAR = {
    *("copies", "environment", "priority", "pull_secrets", "queue", "resource", "scheduling", "served"),
    *AMOUNTS,
}
"""What a model-car has no word for."""
DIFFERENT: dict[tuple[str, str], set[str]] = {
    # nothing in the file says them, so the placement does
    ("service without amounts", "InferenceService"): AMOUNTS,
    ("service without amounts", "LLMInferenceService"): AMOUNTS,
    ("command line", "InferenceService"): {"resource", *AMOUNTS},
    ("command line", "LLMInferenceService"): {"resource", *AMOUNTS},
    ("model-car", "LLMInferenceService"): ANEW,
    # KServe takes no dot in a name, by which the runtime serves it
    ("model-car", "InferenceService"): {"served", *ANEW},
    ("service with its runtime", "model-car"): NOT_IN_A_CAR,
    ("two services of one runtime", "model-car"): NOT_IN_A_CAR,
    ("v1alpha2", "model-car"): NOT_IN_A_CAR,
    ("pod with an image volume", "model-car"): NOT_IN_A_CAR,
}
REFUSED = {
    ("service over several nodes", "LLMInferenceService"): "one copy is 2 pods",
    ("stopped service without a runtime", "LLMInferenceService"): "what its ServingRuntime passes",
    ("prefill and decode", "InferenceService"): "does not part prefill and decode",
    ("workers", "InferenceService"): "one copy is 2 pods",
    ("leader and workers", "InferenceService"): "one copy is 2 pods",
    ("leader and workers", "LLMInferenceService"): "one copy is 2 pods",
    **{
        (name, "model-car"): "a model-car is an OCI image"
        for name in (
            *("service without amounts",),
            *("stopped service without a runtime", "service that brings its container", "v1alpha1"),
            *("service over several nodes", "prefill and decode", "workers", "deployment"),
            *("stateful set on a claim", "leader and workers", "command line"),
        )
    },
}


def without_repeated(found: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The tensor parallel size stands where its preset has it: first where that hands `parallelism.tensor`
    on, and once more as an argument, since before 3.5 none did."""
    own = [one for one in found if one.startswith("--tensor-parallel-size")]
    rest = [one for one in found if one not in own]
    return wanted if rest == [one for one in wanted if one not in own] and set(own) <= set(wanted) else found


@cache
def refusal(name: str, kind: str, release: str | None) -> str:
    if kind == "LLMInferenceService" and release == "2.16":
        return "has no LLMInferenceService"
    return REFUSED.get((name, kind), "")


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("name", INPUTS)
def test_what_went_in_is_read_again(name: str, kind: str) -> None:
    for release in RELEASES:
        if why := refusal(name, kind, release):
            with pytest.raises(UserError, match=why):
                turned_out(INPUTS[name], kind, release)
            continue
        made = turned_out(INPUTS[name], kind, release)
        for one in made.objects:
            refused = [fault for fault in validate(one, release) if fault.code != "rule-unchecked"]
            assert not refused, (release, one["kind"])
        before, after = (list(map(reading, read(text))) for text in (INPUTS[name], made.text))
        assert len(before) == len(after)
        for old, new in zip(before, after, strict=True):
            mine, again = asdict(old), asdict(new)
            if kind == "LLMInferenceService":
                again["arguments"] = without_repeated(again["arguments"], mine["arguments"])
            differing = {key for key, value in mine.items() if again[key] != value}
            assert differing <= DIFFERENT.get((name, kind), set()), (release, mine, again)


def test_the_differences_that_are_listed_are_there() -> None:
    """A list that says too much hides what is lost."""
    for (name, kind), listed in DIFFERENT.items():
        made = turned_out(INPUTS[name], kind, "3.4")
        seen: set[str] = set()
        for old, new in zip(read(INPUTS[name]), read(made.text), strict=True):
            mine, again = asdict(reading(old)), asdict(reading(new))
            seen |= {key for key, value in mine.items() if again[key] != value}
        assert seen <= listed and (listed is NOT_IN_A_CAR or seen == listed), (name, kind, seen)


@pytest.mark.parametrize("name", [name for name in INPUTS if "kind: LLM" in INPUTS[name]])
def test_the_arguments_of_a_service_keep_their_places_where_its_release_reads_them(name: str) -> None:
    """Byte for byte: the very object comes out, but for what is added."""
    version = yaml.safe_load(INPUTS[name])["apiVersion"]
    made = yaml.safe_load(turned_out(INPUTS[name], "LLMInferenceService", "3.5").text)
    assert made["apiVersion"] == version
    assert contained(yaml.safe_load(INPUTS[name]), made)


@pytest.mark.parametrize("name", [name for name in INPUTS if "kind: InferenceService" in INPUTS[name]])
def test_an_inference_service_comes_out_as_it_went_in_but_for_what_is_added(name: str) -> None:
    objects = list(yaml.safe_load_all(INPUTS[name]))
    made = turned_out(INPUTS[name], "InferenceService", "3.4").objects
    for one in objects:
        assert any(contained(one, each) for each in made), one["kind"]
    assert len(made) == len(objects)


def contained(part: Any, whole: Any) -> bool:
    """Whether all of the first is in the second, in its place."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(contained(one, whole.get(key)) for key, one in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(map(contained, part, whole)) and len(part) <= len(whole)
    return bool(part == whole)


def fields(value: Any, path: tuple[Any, ...] = ()) -> set[tuple[Any, ...]]:
    if isinstance(value, dict):
        return {found for key, one in value.items() for found in fields(one, (*path, key))}
    if isinstance(value, list):
        return {found for at, one in enumerate(value) for found in fields(one, (*path, at))}
    return {path}


@pytest.mark.parametrize(
    "text", [RUNTIME + "---\n" + BARE, CUSTOM, RUNTIME + "---\n" + SERVICE, LLM_NEW, LLM_OLD]
)
def test_each_field_that_is_added_has_a_comment_that_says_why(text: str) -> None:
    kind = "LLMInferenceService" if "kind: LLM" in text else "InferenceService"
    made = turned_out(text, kind, "3.4", cluster("team=x:NoSchedule"))
    lines = made.text.splitlines()
    old, new = list(yaml.safe_load_all(text))[-1], made.objects[-1]
    added = {next(key for key in reversed(path) if key in ADDED) for path in fields(new) - fields(old)}
    assert "startupProbe" in added and "tolerations" in added
    for key in added:
        places = [at for at, line in enumerate(lines) if line.strip().removesuffix(":") == key]
        assert any("#" in line for at in places for line in lines[at - 2 : at + 4]), key


ADDED = ("startupProbe", "requests", "limits", "tolerations", "volumes", "volumeMounts")
"""All that a placement adds to an object of its own kind where it has a pod."""


def test_the_taints_of_the_node_are_tolerated_beside_what_the_file_tolerates() -> None:
    made = turned_out(RUNTIME + "---\n" + SERVICE, "InferenceService", "3.4", cluster("team=a:NoSchedule"))
    predictor = made.objects[-1]["spec"]["predictor"]
    assert predictor["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists"},
        {"key": "team", "operator": "Equal", "value": "a", "effect": "NoSchedule"},
    ]
    assert "# gpu-0 is tainted, and nothing of the file gets the pod past that" in made.text
    same = turned_out(
        RUNTIME + "---\n" + SERVICE, "InferenceService", "3.4", cluster("nvidia.com/gpu=1:NoExecute")
    )
    assert len(same.objects[-1]["spec"]["predictor"]["tolerations"]) == 1


def test_what_an_api_server_wrote_is_not_written_back() -> None:
    text = SERVICE.replace("  labels:", "  uid: abc\n  resourceVersion: '7'\n  labels:").replace(
        "  name: NAME",
        "  name: a\n  annotations: {kubectl.kubernetes.io/last-applied-configuration: x, keep: me}",
    )
    (made,) = turned_out(text + "status: {url: https://x}\n", "InferenceService", None).objects[-1:]
    assert made["metadata"]["annotations"] == {"keep": "me"} and "status" not in made
    assert not {"uid", "resourceVersion"} & set(made["metadata"])


WITH_RUNTIME = RUNTIME + "---\n" + BARE
SECRET = "hf_QwErTyUiOpAsDfGhJkLzXcVbNm12345678"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (BARE.replace("--max-model-len", f"--api-key={SECRET}, --max-model-len"), "InferenceService"),
        (
            WITH_RUNTIME.replace("--max-model-len", f"--api-key={SECRET}, --max-model-len"),
            "LLMInferenceService",
        ),
        (
            CUSTOM.replace(
                "      resources", f"      env: [{{name: HF_TOKEN, value: {SECRET}}}]\n      resources"
            ),
            "InferenceService",
        ),
        (LLM_OLD.replace("--max-model-len", f"--api-key {SECRET} --max-model-len"), "LLMInferenceService"),
        (DEPLOYMENT.replace("--max-model-len", f"--api-key {SECRET} --max-model-len"), "InferenceService"),
        (SERVICE.replace("app: x", f"app: {SECRET}"), "InferenceService"),
    ],
)
def test_a_secret_in_clear_text_is_rendered_nowhere(text: str, kind: str) -> None:
    with pytest.raises(UserError) as caught:
        turned_out(text, kind, "3.4")
    assert [problem.code for problem in caught.value.problems] == ["secret-not-rendered"]
    assert SECRET not in str(caught.value)


def test_a_runtime_that_holds_a_secret_is_not_rendered_either() -> None:
    runtime = RUNTIME.replace("{name: HF_HOME, value: /tmp/hf_home}", f"{{name: HF_TOKEN2, value: {SECRET}}}")
    with pytest.raises(UserError, match="ServingRuntime vllm-cuda"):
        turned_out(runtime + "---\n" + SERVICE, "InferenceService", "3.4")


def test_another_kind_names_the_secrets_and_leaves_out_what_may_be_one() -> None:
    text = DEPLOYMENT.replace(
        "{name: VLLM_LOGGING_LEVEL, value: DEBUG}", f"{{name: API_TOKEN, value: {SECRET}}}"
    )
    made = turned_out(text, "InferenceService", "3.4")
    env = made.objects[-1]["spec"]["predictor"]["model"]["env"]
    assert env == [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}]
    assert "API_TOKEN; take them from a Secret" in " ".join(made.text.replace("#", " ").split())
    assert SECRET not in made.text


def test_what_kserve_says_itself_and_what_is_left_out_is_told() -> None:
    made = turned_out(DEPLOYMENT, "LLMInferenceService", "3.4")
    assert "# without --port 8000: what KServe starts vLLM with says it" in made.text
    assert "# left out of what the Deployment of the file says: volume cache" in made.text
    assert any("fetches the model from huggingface.co" in note for note in made.notes)
    assert made.objects[0]["spec"]["template"]["containers"][0]["image"] == "vllm/vllm-openai:v0.9.1"


def test_a_name_by_which_clients_ask_stays() -> None:
    made = turned_out(DEPLOYMENT, "InferenceService", "3.4")
    assert made.objects[-1]["spec"]["predictor"]["model"]["args"][-1] == (
        "--served-model-name=ibm-granite/granite-3.1-8b-instruct"
    )
    assert "# so clients call it where the file serves it" in made.text
    llm = turned_out(STATEFUL_SET, "LLMInferenceService", "3.4").objects[0]
    assert llm["spec"]["model"] == {"uri": "pvc://models/granite", "name": "granite"}


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        (STATEFUL_SET.replace("mountPath: /models", "mountPath: /data"), "InferenceService", "not known"),
        (SERVICE, "LLMInferenceService", "what its ServingRuntime passes to vLLM is not known"),
        (DEPLOYMENT.replace("8192", "$(nproc)"), "InferenceService", "nproc"),
        (
            WITH_RUNTIME.replace("storageUri: pvc://models/granite", "storage: {key: a, path: b}"),
            "LLMInferenceService",
            "data connection",
        ),
        (WITH_RUNTIME.replace("pvc://", "gs://"), "LLMInferenceService", "takes no gs://"),
    ],
)
def test_what_another_kind_can_not_say_is_refused_with_the_reason(text: str, kind: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        turned_out(text, kind, "3.4")


def test_a_service_of_one_kind_comes_out_though_it_is_not_understood() -> None:
    made = turned_out(SERVICE.replace("NAME", "a"), "InferenceService", "3.4")
    assert made.objects[-1]["spec"]["predictor"]["model"]["runtime"] == "vllm-cuda"


def test_a_model_car_of_a_service_keeps_its_size() -> None:
    """The suite would share it by the number of GPUs, where vLLM shares nothing unasked."""
    text = LLM_NEW.replace("  parallelism: {tensor: 2}\n", "")
    (item,) = yaml.safe_load(turned_out(text, "model-car", None).text)["model-car"]
    assert item["serving_arguments"]["args"][-1] == "--tensor-parallel-size=1"
    assert masked_arguments(tuple(item["serving_arguments"]["args"]))[0] == "--max-model-len=8192"
