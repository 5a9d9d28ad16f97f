"""An object with a field of an odd form is rendered, or refused in one line: it ends no run."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from in_out import CUSTOM, DEPLOYMENT, LLM_NEW, LLM_PARTED, RUNTIME, SERVICE, cluster, turned_out

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest import inspect_text

ODD: tuple[Any, ...] = (7, "x", [None], {"a": [1]})
TAINTED = cluster("team=a:NoSchedule")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


def odd_ones(text: str) -> Iterator[str]:
    """The text with one field of its last object of another form each time."""
    *before, last = list(yaml.safe_load_all(text))
    for number, path in enumerate(places({key: last[key] for key in ("metadata", "spec")})):
        made = copy.deepcopy(last)
        inside = made
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = copy.deepcopy(ODD[number % len(ODD)])
        yield yaml.safe_dump_all([*before, made])


@pytest.mark.parametrize(
    "text",
    [RUNTIME + "---\n" + SERVICE, CUSTOM, DEPLOYMENT, LLM_NEW, LLM_PARTED, SERVICE + "---\n" + RUNTIME],
)
def test_a_field_of_an_odd_form_ends_no_run(text: str) -> None:
    refused = 0
    for odd in odd_ones(text):
        try:
            manifest, errors = inspect_text(odd.encode(), "in.yaml")
        except UserError:
            continue
        if errors or not manifest.models:
            continue
        for kind in ("InferenceService", "LLMInferenceService"):
            try:
                turned_out(odd, kind, "3.3", TAINTED)
            except UserError as error:
                refused += 1
                assert all(problem.what and problem.fix for problem in error.problems)
    assert refused > 3


def test_the_field_is_named_and_where_it_stands() -> None:
    text = DEPLOYMENT.replace("imagePullSecrets: [{name: pull}]", "imagePullSecrets: pull")
    with pytest.raises(UserError) as caught:
        turned_out(text, "InferenceService", "3.4")
    (problem,) = caught.value.problems
    assert problem.where == "Deployment granite-serve: spec.template.spec.imagePullSecrets"
    assert problem.what == "must be a list of mappings"
