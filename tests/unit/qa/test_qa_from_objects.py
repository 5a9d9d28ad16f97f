"""What the suite is given of a manifest that is no model-car list; what it is not given, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest import Manifest, read_manifest
from modelcar_tui.qa.from_objects import for_suite, output_type_of
from modelcar_tui.qa.manifest_file import stage_manifest
from modelcar_tui.qa.untested import nothing_to_test, other_manifest_effects

SECRET = "hunter2-hunter2-hunter2"
SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {{name: {name}, namespace: prod}}
spec:
  predictor:
    model:
      modelFormat: {{name: vLLM}}
      runtime: vllm-cuda
      storageUri: {uri}
      args: {args}
      resources: {{limits: {{nvidia.com/gpu: "{gpus}"}}}}
---
"""
RUNTIME = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: vllm-cuda, namespace: prod}
spec:
  supportedModelFormats: [{name: vLLM}]
  containers:
    - name: kserve-container
      image: quay.io/x/vllm:1
      command: [python, -m, vllm.entrypoints.openai.api_server]
      args: [--port=8080, --model=/mnt/models, "--served-model-name={{.Name}}", --enforce-eager]
---
"""
OCI = "oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5"


def service(args: str = "[]", gpus: int = 1, uri: str = OCI, name: str = "chat") -> str:
    return SERVICE.format(name=name, uri=uri, args=args, gpus=gpus)


def read(tmp_path: Path, text: str) -> tuple[Path, Manifest]:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    return path, read_manifest(path)


def staged(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = yaml.safe_load(stage_manifest(path).data)["model-car"]
    return found


def test_image_arguments_and_gpus_are_the_suites(tmp_path: Path) -> None:
    args = f"[--max-model-len=8192, --tensor-parallel-size, '2', --api-key, {SECRET}, --dtype, bfloat16]"
    path, _ = read(tmp_path, RUNTIME + service(args, gpus=2))
    assert staged(path) == [
        {
            "name": "chat",
            "image": OCI,
            "model_output_type": "text",
            "serving_arguments": {
                "gpu_count": 2,
                "args": [
                    "--enforce-eager",
                    "--max-model-len=8192",
                    "--dtype",
                    "bfloat16",
                    "--tensor-parallel-size=2",
                ],
            },
        }
    ]
    assert SECRET not in stage_manifest(path).data.decode()


def test_what_is_staged_is_a_manifest_of_ours(tmp_path: Path) -> None:
    path, _ = read(tmp_path, service("[--tensor-parallel-size=2]", 2) + service(name="other"))
    made = stage_manifest(path)
    again = tmp_path / "again.yaml"
    again.write_bytes(made.data)
    assert [car.serving.gpu_count for car in read_manifest(again).models] == [2, 1]
    assert made.models == ("chat", "other") and made.hosts == ("registry.redhat.io",)
    assert len(made.single) == 2
    # The suite sets the size only where there are arguments.
    assert staged(path)[0]["serving_arguments"] == {
        "gpu_count": 2,
        "args": ["--uvicorn-log-level=info", "--tensor-parallel-size=2"],
    }
    assert staged(path)[1]["serving_arguments"] == {"gpu_count": 1}


@pytest.mark.parametrize(
    ("text", "why", "no_image"),
    [
        (service(uri="hf://ibm-granite/granite-3.1-8b-instruct"), "its weights come from hf://", True),
        (service(uri="pvc://models/granite"), "its weights come from pvc://", True),
        (service(gpus=0), "it asks for no GPU", False),
        (service(gpus=4), "the GPU count, 4, the tensor parallel size; it has tensor parallel size 1", False),
        (
            service("[--tensor-parallel-size=2, --pipeline-parallel-size=2]", 4),
            "it has tensor parallel size 2, 4 ranks in all",
            False,
        ),
        (service("['--max-model-len=$(LENGTH)']"), "the value of $(LENGTH) in its arguments", False),
    ],
)
def test_what_can_t_be_tested_is_left_out_with_its_reason(
    tmp_path: Path, text: str, why: str, no_image: bool
) -> None:
    path, manifest = read(tmp_path, text + service(name="other"))
    kept, (left,) = for_suite(manifest.models)
    assert [car.name for car in kept] == ["other"] and left.model == "chat"
    assert why in left.why and left.no_image is no_image
    assert [one["name"] for one in staged(path)] == ["other"]
    rows = [str(row) for row in other_manifest_effects(kept, (left,))]
    assert rows[0].startswith("not tested: chat: ") and rows[1].startswith("tests: a model-car list made")


def test_where_nothing_is_left_qa_has_a_reason_of_its_own(tmp_path: Path) -> None:
    path, manifest = read(tmp_path, service(uri="hf://a/b") + service(uri="pvc://c/d", name="other"))
    outcome = nothing_to_test(for_suite(manifest.models)[1])
    assert outcome.code == "QA_SKIPPED:NO_OCI_IMAGE"
    assert "chat: its weights come from hf://" in outcome.message and "1 more model" in outcome.message
    with pytest.raises(UserError, match="holds no model"):
        stage_manifest(path)
    _, manifest = read(tmp_path, service(gpus=4))
    assert nothing_to_test(for_suite(manifest.models)[1]).code == "QA_SKIPPED:NO_TESTABLE_MODEL"


def test_a_model_car_list_is_all_the_suites(tmp_path: Path) -> None:
    path, manifest = read(tmp_path, "model-car:\n- name: a\n  image: oci://quay.io/x/y:1\n")
    assert for_suite(manifest.models) == (manifest.models, ())
    assert stage_manifest(path).data == path.read_bytes()
    assert other_manifest_effects(manifest.models, ()) == ()


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("WhisperForConditionalGeneration", "audio"),
        ("BertModel", "embedding"),
        ("LlamaForCausalLM", "text"),
        ("", "text"),
    ],
)
def test_the_output_type_is_that_of_the_architecture(tmp_path: Path, architecture: str, kind: str) -> None:
    assert output_type_of({"architectures": [architecture]} if architecture else None) == kind
    path, _ = read(tmp_path, service())
    made = yaml.safe_load(stage_manifest(path, {"chat": kind}).data)
    assert made["model-car"][0]["model_output_type"] == kind


def test_what_is_called_prefill_in_a_namespace_is_no_prefill_server(tmp_path: Path) -> None:
    """Two of one name are told apart by their namespaces: `blue/prefill` is a model of its own."""
    each = [
        service(name="prefill").replace("namespace: prod", f"namespace: {one}") for one in ("blue", "green")
    ]
    _, manifest = read(tmp_path, "---\n".join(each))
    kept, out = for_suite(manifest.models)
    assert [car.name for car in kept] == ["blue/prefill", "green/prefill"] and not out
