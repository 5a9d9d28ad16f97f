"""Which arguments a try passes, and which models it refuses beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.facts import Fact
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.types import ServingArguments
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.trial.arguments import Tried, tried_arguments
from support.configs import LLAMA_8B

RELEASE = "0.19.0"
TEMPLATE = Runtime(
    image="quay.io/x/vllm:1",
    args=("--port=8080", "--model=/mnt/models", "--served-model-name={{.Name}}"),
    starts=("python", "-m", "vllm.entrypoints.openai.api_server"),
)


def tried(*args: str, runtime: Runtime = TEMPLATE, gpus: int = 1, **facts: Any) -> Tried:
    known = ModelFacts(**{"config": LLAMA_8B, **facts})
    serving = ServingArguments(args=masked_arguments(args), gpu_count=gpus)
    return tried_arguments("m", known, serving, runtime, RELEASE)


def own(found: Tried) -> tuple[str, ...]:
    """Between what the try puts before and behind."""
    assert found.args[-2:] == ("--load-format", "dummy")
    assert found.args[0] in ("--model=/mnt/models", "/mnt/models")
    return found.args[2:-2]


def refused(*args: str, **more: Any) -> str:
    with pytest.raises(UserError) as caught:
        tried(*args, **more)
    (problem,) = caught.value.problems
    assert problem.fix and "\n" not in str(problem)
    return problem.what


def test_what_production_gets_is_passed_on_as_it_stands() -> None:
    args = ("--max-model-len", "8192", "--enable-prefix-caching", "--no-such-flag=1", "-O3")
    assert own(tried(*args)) == args


@pytest.mark.parametrize(
    ("args", "left"),
    [
        (("--load-format", "runai_streamer"), ()),
        (("--load-format=tensorizer", "--model-loader-extra-config", "{}"), ()),
        (
            ("--enable-lora", "--lora-modules", "a=/x", "b=/y", "--max-loras=2"),
            ("--enable-lora", "--max-loras=2"),
        ),
        (("--chat-template", "/app/t.jinja"), ()),
        (("--chat-template", "{{ messages }}"), ("--chat-template", "{{ messages }}")),
        (("--tokenizer", "org/other"), ()),
        (("--tokenizer=/mnt/models",), ("--tokenizer=/mnt/models",)),
        (("--generation-config", "vllm"), ("--generation-config", "vllm")),
        (("--generation-config", "/else"), ()),
        (("--ssl-keyfile=/k", "--ssl-certfile", "/c"), ()),
        (("--host", "127.0.0.1", "--uds=/x"), ()),
        (("--download-dir=/x", "--allowed-local-media-path", "/media"), ()),
        (("--tool-parser-plugin", "/p.py", "--tool-call-parser", "mine", "--enable-auto-tool-choice"), ()),
        (("--tool-call-parser", "hermes"), ("--tool-call-parser", "hermes")),
        (("--served-model-name=$(NAME)",), ()),
        (("--api-key", "aVeryLongKey1234567890"), ()),
    ],
)
def test_what_is_not_there_is_left_out_and_said(args: tuple[str, ...], left: tuple[str, ...]) -> None:
    found = tried(*args)
    assert own(found) == left
    gone = {one.partition("=")[0] for one in args if one.startswith("--")}
    gone -= {one.partition("=")[0] for one in left}
    said = " ".join(found.changed)
    assert all(f"{flag} is left out: " in said for flag in gone)
    assert "aVeryLongKey" not in str(found)


@pytest.mark.parametrize(
    ("args", "runtime", "port", "first"),
    [
        ((), TEMPLATE, 8080, "--model=/mnt/models"),
        (("--port", "9000"), TEMPLATE, 9000, "--model=/mnt/models"),
        (("--port", "$(PORT)"), Runtime(image="x", port=8001), 8001, "--model=/mnt/models"),
        ((), Runtime(image="x"), 8000, "--model=/mnt/models"),
        ((), Runtime(image="x", starts=("vllm", "serve")), 8000, "/mnt/models"),
    ],
)
def test_port_and_model_are_the_try_s_own(
    args: tuple[str, ...], runtime: Runtime, port: int, first: str
) -> None:
    found = tried(*args, runtime=runtime)
    assert (found.port, found.args[:2]) == (port, (first, f"--port={port}"))
    assert sum("--port" in one for one in found.args) == 1


@pytest.mark.parametrize(
    ("args", "facts", "told"),
    [
        (("--quantization", "bitsandbytes"), {}, "bitsandbytes"),
        ((), {"quantization": {"quant_method": "bitsandbytes"}}, "bitsandbytes"),
        ((), {"quantization_name": Fact(value="bitsandbytes")}, "bitsandbytes"),
        (("--load-format=gguf",), {}, "GGUF"),
        ((), {"gguf": {"general.architecture": "llama"}, "config": None}, "GGUF"),
        (("--speculative-config", '{"model": "org/eagle", "method": "eagle3"}'), {}, "org/eagle"),
        (("--config", "/etc/vllm.yaml"), {}, "--config"),
        (("--hf-config-path=org/else",), {}, "--hf-config-path"),
        (("--headless",), {}, "--headless"),
        (("--data-parallel-rank", "1"), {}, "several pods"),
        (
            ("--kv-transfer-config", '{"kv_connector": "P2pNcclConnector", "kv_role": "kv_producer"}'),
            {},
            "P2pNcclConnector",
        ),
        (("--max-model-len=$(LEN)",), {}, "--max-model-len"),
    ],
)
def test_what_can_not_be_tried_is_refused_beforehand(
    args: tuple[str, ...], facts: dict[str, Any], told: str
) -> None:
    assert told in refused(*args, **facts)


@pytest.mark.parametrize(
    "args",
    [
        ("--speculative-config", '{"method": "ngram", "num_speculative_tokens": 3, "prompt_lookup_max": 4}'),
        ("--speculative-config", '{"method": "mtp", "num_speculative_tokens": 1}'),
        ("--quantization", "fp8"),
        ("--kv-transfer-config", '{"kv_connector": "NixlConnector", "kv_role": "kv_both"}'),
        ("--data-parallel-size", "2"),
        ("--nnodes=1", "--no-data-parallel-hybrid-lb"),
    ],
)
def test_what_needs_nothing_else_is_tried(args: tuple[str, ...]) -> None:
    assert own(tried(*args))[: len(args)] == args


def test_the_size_of_a_model_car_is_the_suite_s() -> None:
    assert own(tried(gpus=4)) == ("--tensor-parallel-size=4",)
    assert own(tried("--tensor-parallel-size", "2", gpus=4)) == ("--tensor-parallel-size", "2")
