"""What is rendered is read again: model-cars by our reader, objects of KServe by each release's schemas."""

from __future__ import annotations

import shlex
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_support import NATIVE, TAINT, THERE, cluster, documents, model, node, profile, render

from modelcar_tui import kserve
from modelcar_tui.cluster.serving_types import Profiles
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.text import clean
from modelcar_tui.kserve.render_all import rendered
from modelcar_tui.kserve.render_place import Place
from modelcar_tui.kserve.render_release import Release
from modelcar_tui.kserve.render_request import Request
from modelcar_tui.manifest import inspect_text


def _plain(text: str) -> bool:
    """What the reader of a manifest takes as it stands."""
    return text.isprintable() and text == clean(text) == text.strip()


_WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=6)
ITEMS = st.lists(st.lists(_WORDS, min_size=1, max_size=3).map(" ".join).filter(_plain))
RELEASES = ("2.25", "3.0", "3.2", "3.3", "3.4", "3.5")


def request(items: list[str], gpus: int = 1) -> Request:
    args = tuple(f"--x={item}" for item in items)
    place = Place(resource="nvidia.com/gpu")
    return Request(name="m", title="M", source="oci://quay.io/x/m:1", args=args, gpus=gpus, place=place)


@settings(max_examples=60, deadline=None)
@given(ITEMS, st.integers(1, 8))
def test_a_model_car_is_read_as_it_was_rendered(items: list[str], gpus: int) -> None:
    asked = request(items, gpus)
    made = rendered([asked], "model-car", Release())
    manifest, faults = inspect_text(made.text.encode(), "m.yaml")
    (car,) = manifest.models
    assert (car.name, car.image) == ("M", "oci://quay.io/x/m:1")
    assert (car.serving.args, car.serving.gpu_count) == (asked.args, gpus)
    assert not faults


@settings(max_examples=60, deadline=None)
@given(ITEMS)
def test_the_arguments_of_an_inference_service_are_those_of_the_file(items: list[str]) -> None:
    asked = request(items)
    (made,) = documents(rendered([asked], "InferenceService", Release()))
    assert tuple(made["spec"]["predictor"]["model"].get("args", ())) == asked.args


@settings(max_examples=60, deadline=None)
@given(ITEMS, st.sampled_from([(2, 25), (3, 4), (3, 5)]))
def test_the_arguments_of_an_llm_inference_service_are_split_as_the_file_has_them(
    items: list[str], release: tuple[int, int]
) -> None:
    asked = request(items)
    (made,) = documents(rendered([asked], "LLMInferenceService", Release(number=release)))
    (main,) = made["spec"]["template"]["containers"]
    words = main["env"][0]["value"] if "env" in main else " ".join(main.get("args", ()))
    assert tuple(shlex.split(words)) == asked.args


def places() -> dict[str, AcceleratorReport]:
    return {
        "tainted": cluster(node(TAINT, "spot:NoSchedule")),
        "with a profile": cluster(
            node(TAINT), profiles=Profiles(found=(profile(),)), kserve=NATIVE, runtime=THERE
        ),
        "stated": cluster(node(stated=True), runtime=None),
    }


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", ["InferenceService", "LLMInferenceService", "ServingRuntime"])
def test_an_api_server_of_each_release_takes_what_is_rendered(release: str, kind: str) -> None:
    models = (model("--seed=1"), model("--seed=1", '--limit-mm-per-prompt={"image": 2}', name="b", gpus=2))
    validate = kserve.validate  # type: ignore[attr-defined, unused-ignore]
    for (name, where), one in product(places().items(), models):
        if kind == "ServingRuntime" and where.runtime is None:
            continue
        made = render(one, kind=kind, release=release, where=where, pull_secrets=("p",), namespace="ns")
        for each in made.objects:
            refused = [fault for fault in validate(each, release) if fault.code != "rule-unchecked"]
            assert not refused, (name, each["kind"])
