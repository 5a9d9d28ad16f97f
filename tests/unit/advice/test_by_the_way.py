"""What arguments turn off by the way is said, and mended where a word does it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.advice.repairs.proposals import propose
from modelcar_tui.manifest.arguments import effective
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.known import known_models

AT = Position(1, 1)
NIXL = '--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_both"}'
LMCACHE = '--kv-transfer-config={"kv_connector":"LMCacheConnectorV1","kv_role":"kv_both"}'
OFF, ON = "--disable-hybrid-kv-cache-manager", "--no-disable-hybrid-kv-cache-manager"
STATES, PLAIN = "granite-4.0-h-tiny", "llama-3.1-8b"
CODES = {"hybrid-manager", "rope-override", "override-unheard"}


def car(*args: str) -> ModelCar:
    serving = ServingArguments(args=args, args_at=(AT,) * len(args))
    return ModelCar(name="a", image="oci://x/y:1", serving=serving, at=AT, name_at=AT, image_at=AT)


def facts(name: str) -> ModelFacts:
    configs: dict[str, Any] = known_models().models
    return ModelFacts(config=configs[name])


def said(name: str, vllm: str, *args: str) -> list[str]:
    found = lint_model(car(*args), vllm=vllm, facts=facts(name))
    return [one.code for one in found if one.code in CODES]


def after(name: str, vllm: str, *args: str) -> tuple[str, ...]:
    changes = propose(car(*args), facts(name), None, vllm=vllm)
    return effective(car(*args).serving, list(changes)).args


@pytest.mark.parametrize(
    ("name", "vllm", "args", "mended"),
    [
        (STATES, "0.33.0", (OFF,), ()),
        (STATES, "0.20.0", (NIXL,), (NIXL, ON)),
        (PLAIN, "0.19.1", ("--kv-offloading-size=8",), ("--kv-offloading-size=8", OFF)),
        (PLAIN, "0.33.0", (LMCACHE, ON), (LMCACHE,)),
    ],
)
def test_the_manager_gets_the_word_that_lets_the_server_start(
    name: str, vllm: str, args: tuple[str, ...], mended: tuple[str, ...]
) -> None:
    assert said(name, vllm, *args) == ["hybrid-manager"]
    assert after(name, vllm, *args) == mended
    assert said(name, vllm, *mended) == []


def test_a_connector_that_a_hybrid_can_not_have_is_said_and_left_to_its_owner() -> None:
    assert said(STATES, "0.33.0", LMCACHE) == ["hybrid-manager"]
    assert after(STATES, "0.33.0", LMCACHE) == (LMCACHE,)


def test_a_rope_without_its_kind_is_an_error_and_gets_it() -> None:
    old = {"rope_scaling": {"type": "dynamic", "factor": 2.0}}
    written = f"--hf-overrides={json.dumps(old)}"
    assert said(PLAIN, "0.19.1", written) == ["rope-override"]
    assert said(PLAIN, "0.10.2", written) == []
    (mended,) = after(PLAIN, "0.19.1", written)
    assert said(PLAIN, "0.19.1", mended) == [] and '"rope_type": "dynamic"' in mended


def test_a_rope_by_the_name_that_a_release_does_not_read_is_told() -> None:
    rope = {"rope_type": "linear", "factor": 2.0}
    scaling, parameters = (
        f"--hf-overrides={json.dumps({name: rope})}" for name in ("rope_scaling", "rope_parameters")
    )
    assert said(PLAIN, "0.13.0", scaling) == ["override-unheard"]
    assert said(PLAIN, "0.11.2", parameters) == ["override-unheard"]
    assert said(PLAIN, "0.19.1", scaling) == []
