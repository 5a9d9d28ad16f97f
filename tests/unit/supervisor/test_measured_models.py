"""The configuration specialist brings the operator's own measurements to every model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.cluster.types import AcceleratorReport, Inventory, Runtime
from modelcar_tui.core.facts import Fact
from modelcar_tui.core.reference import parse_reference
from modelcar_tui.image import ImageFacts, ImageOptions
from modelcar_tui.image.cache import CachedImage, ImageCache
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest import engine_variables
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.models import MeasuredStart, ModelFacts, model_fingerprint
from modelcar_tui.supervisor import Configuration, Settings, run_alone
from modelcar_tui.verdict import (
    ConfigurationReport,
    Measurements,
    ModelRequirements,
    at_runtime,
    with_runtime,
)
from modelcar_tui.vllm.arguments import read_engine_args, served_args
from support.configs import LLAMA_8B

FACTS = ModelFacts(config=dict(LLAMA_8B))
START = MeasuredStart(
    id="20261130-235107-1f3a",
    at=1.0,
    model="granite",
    fingerprint=model_fingerprint(FACTS),
    gpu="NVIDIA-L40S",
    vllm="0.13.0",
    outcome="starts",
)
TEXT = """\
model-car:
  - {name: one, image: "oci://127.0.0.1:9/x/one:1", serving_arguments: {gpu_count: 1}}
  - {name: two, image: "oci://127.0.0.1:9/x/two:1", serving_arguments: {gpu_count: 1}}
"""
AT = Position(1, 1)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Two models, of which one has the config that was measured."""

    async def inspect(pairs: Iterable[tuple[str, str]], **_: Any) -> AsyncIterator[tuple[int, ImageFacts]]:
        for index, (reference, _name) in enumerate(pairs):
            facts = FACTS if index == 0 else ModelFacts(config=LLAMA_8B | {"num_hidden_layers": 2})
            yield index, ImageFacts(reference=reference, model=facts)

    monkeypatch.setattr("modelcar_tui.image.inspect_images", inspect, raising=False)
    monkeypatch.setenv("MODELCAR_TUI_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "two.base.yaml").write_text(TEXT)
    return Settings(manifest=str(tmp_path / "two.base.yaml"), state_dir=str(tmp_path / "state"))


def report_of(settings: Settings) -> tuple[ConfigurationReport, str]:
    report, _, events = asyncio.run(run_alone(Configuration(), settings, ConfigurationReport))
    return report, msgspec.json.encode(events).decode()


def test_each_model_gets_its_own_starts(settings: Settings) -> None:
    Measurements().add(START, FACTS)
    report, events = report_of(settings)
    assert [model.image.model.measured for model in report.models] == [(START,), ()]
    assert START.id in events  # a replay has them without the store


def test_a_broken_store_costs_a_line_each_and_never_the_run(settings: Settings, tmp_path: Path) -> None:
    Measurements().add(START, FACTS)
    (Measurements().folder / "20270101-000000-0000.json").write_text("{")
    report, events = report_of(settings)
    assert report.models[0].image.model.measured == (START,)
    assert events.count("agent measurements forget 20270101-000000-0000") == 1
    (tmp_path / "other").write_text("")
    (tmp_path / "data" / "measurements").rename(tmp_path / "away")
    (tmp_path / "data" / "measurements").write_text("no folder")
    report, events = report_of(settings)
    assert [model.image.model.measured for model in report.models] == [(), ()]
    assert events.count("the measurements can't be read") == 1


def test_a_demo_has_no_measurements_of_anybody(settings: Settings) -> None:
    Measurements().add(START, FACTS)
    report, _ = report_of(msgspec.structs.replace(settings, demo=True))
    assert [model.image.model.measured for model in report.models] == [(), ()]


def test_the_cache_of_images_never_holds_one(tmp_path: Path) -> None:
    cache = ImageCache(ImageOptions(cache_dir=str(tmp_path)))
    measured = msgspec.structs.replace(FACTS, measured=(START,))
    image = CachedImage(
        version=2,
        digest="sha256:" + "0" * 64,
        size=Fact(),
        architectures=Fact(),
        model=measured,
        layout="",
        bytes_read=0,
    )
    cache.put(parse_reference("quay.io/x/m:1"), image)
    found = cache.get(image.digest)
    assert found is not None and found.model == FACTS
    assert all(START.id.encode() not in path.read_bytes() for path in tmp_path.rglob("*.json"))


ENVIRONMENT = (
    ("HF_HOME", "/tmp/hf"),
    ("VLLM_LOGGING_LEVEL", "DEBUG"),
    ("VLLM_USE_DEEP_GEMM", "0"),
    ("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "1"),
)


def test_the_runtimes_variables_come_to_the_engines_arguments() -> None:
    assert engine_variables(ENVIRONMENT) == (("VLLM_USE_DEEP_GEMM", "0"),)
    serving = ServingArguments(args=("--max-model-len=4096",))
    car = ModelCar(name="m", image="oci://x/m:1", serving=serving, at=AT, name_at=AT, image_at=AT)
    model = ModelRequirements(car=car, image=ImageFacts(reference=car.image))
    cluster = AcceleratorReport(
        access=Access(rung=Rung.OK),
        inventory=Inventory(),
        runtime=Runtime(image="x", environment=ENVIRONMENT),
    )
    for served in (at_runtime(model, cluster), with_runtime(model, cluster)):
        args = served_args(served.car.serving, "0.19.0")
        assert args.variables == (("VLLM_USE_DEEP_GEMM", "0"),)
    assert served_args(car.serving, "0.19.0").variables == ()


def test_what_is_told_beside_memory_is_kept_apart_from_names_ports_and_secrets() -> None:
    def beside(*words: str) -> tuple[tuple[str, str], ...]:
        return read_engine_args(words, None, "0.19.0").beside

    quiet = (
        "--port=1",
        "--served-model-name",
        "a",
        "b",
        "--api-key=x",
        "--ssl-keyfile=k",
        "--model=m",
        "--seed=3",
    )
    assert beside(*quiet, "--max-model-len=4096", "--hf-token=abc") == ()
    assert beside("--trust-remote-code", "--tool-call-parser=hermes") == (
        ("--tool-call-parser", "hermes"),
        ("--trust-remote-code", ""),
    )
    one, other = '{"level": 3, "custom_ops": ["all"]}', '{"custom_ops":["all"],"level":3}'
    assert beside(f"--compilation-config={one}") == beside("--compilation-config", other) != ()
