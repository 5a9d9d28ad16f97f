"""`agent estimate NAME`: public models by their names, and what is said of the others."""

from __future__ import annotations

import pytest

from modelcar_tui.commands.estimate import run_estimate
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.facts import Source
from modelcar_tui.models.public import is_model_name, public_model

GPU = "NVIDIA-H200"


def told(name: str, *arguments: str) -> int:
    return run_estimate(name, GPU, arguments, vllm="0.32.0", form="text")


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen3-8B", "qwen/qwen3-8b", "qwen3-8b", "QWEN3-8B", "RedHatAI/Qwen3-8B-base"]
)
def test_a_public_model_is_sized_by_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(name) == ExitStatus.GO
    out, err = capsys.readouterr()
    assert "15.27 GiB a GPU" in out
    assert f"note: {name}: taken for qwen3-8b (aiconfigurator-core 0.12.0: Qwen/Qwen3-8B)" in err


@pytest.mark.parametrize("name", ["foo/Bar-8b", "foobar", "Qwen/Qwen3-8B-pruned"])
def test_a_model_that_is_not_known_is_said_to_be_so(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(name) == ExitStatus.UNKNOWN
    out, _ = capsys.readouterr()
    assert f"no public model of the name {name} is known here, and no hub is read: give a folder" in out


def test_a_name_that_tells_the_size_is_not_said_to_tell_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert told("foo/Bar-8b") == ExitStatus.UNKNOWN
    out, _ = capsys.readouterr()
    assert "GiB a GPU (guessed from the model's name)" in out
    assert "no name tells the size" not in out


def test_the_quantization_of_the_name_counts() -> None:
    found = public_model("RedHatAI/Llama-3.3-70B-Instruct-quantized.w8a8")
    assert found is not None
    assert (found.facts.quantization_name.value, found.facts.quantization_name.source) == (
        "w8a8",
        Source.NAME,
    )
    plain = public_model("deepseek-ai/DeepSeek-V3")
    assert plain is not None
    assert plain.facts.config is not None
    assert plain.facts.config["quantization_config"]["quant_method"] == "fp8"
    assert plain.facts.quantization_name.value is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("meta-llama/Llama-3.1-8B", True),
        ("llama-3.1-8b", True),
        ("registry.redhat.io/rhelai1/modelcar-phi-4", False),
        ("localhost/qwen3-8b", False),
        ("oci://quay.io/a/b:1", False),
        ("quay.io/a/b", False),
        ("a/b:1", False),
        ("a/b@sha256:00", False),
    ],
)
def test_what_names_a_registry_or_a_tag_is_no_models_name(text: str, name: bool) -> None:
    assert is_model_name(text) is name
