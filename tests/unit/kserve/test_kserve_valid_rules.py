"""Rules in CEL: evaluated where the library is there, said by name where it is not."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
from kserve_objects import BASES, as_served, edited

from modelcar_tui.core.errors import Problem
from modelcar_tui.kserve import KSERVE_RELEASES, served, validate
from modelcar_tui.kserve.cel import broken
from modelcar_tui.kserve.schemas import kept

SERVICE = BASES["LLMInferenceService"]
HPA = {"hpa": {}}
with_cel = pytest.mark.skipif(
    importlib.util.find_spec("celpy") is None, reason="needs the library cel-python: pip install '.[cel]'"
)


def route(rule: dict[str, Any]) -> dict[str, Any]:
    return {"spec.router.route": {"http": {"spec": {"rules": [rule]}}}}


RULES = "spec.router.route.http.spec.rules"
BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"spec.scaling": {"maxReplicas": 2, "wva": HPA}}, "spec", "replicas and scaling are mutually exclusive"),
    ({"spec.replicas": None, "spec.scaling": {"maxReplicas": 2}}, "spec.scaling", "wva is required"),
    (
        {"spec.replicas": None, "spec.scaling": {"minReplicas": 3, "maxReplicas": 2, "wva": HPA}},
        "spec.scaling",
        "minReplicas cannot exceed maxReplicas",
    ),
    (
        {"spec.prefill.replicas": None, "spec.prefill.scaling": {"maxReplicas": 2, "wva": {}}},
        "spec.prefill.scaling.wva",
        "either hpa or keda must be specified",
    ),
    (
        route({"matches": [{"path": {"type": "Exact", "value": "v1"}}]}),
        f"{RULES}[0].matches[0].path",
        "absolute",
    ),
    (route({"matches": [{"path": {"value": "/a b"}}]}), f"{RULES}[0].matches[0].path", "valid characters"),
    (
        route({"timeouts": {"request": "10s", "backendRequest": "1m"}}),
        f"{RULES}[0].timeouts",
        "cannot be longer than request timeout",
    ),
    (
        route({"filters": [{"type": "URLRewrite"}]}),
        f"{RULES}[0].filters[0]",
        "filter.urlRewrite must be specified",
    ),
    (
        route({"filters": [{"type": "RequestRedirect", "requestRedirect": {}}] * 2}),
        f"{RULES}[0].filters",
        "RequestRedirect filter cannot be repeated",
    ),
    (route({"backendRefs": [{"name": "a"}]}), f"{RULES}[0].backendRefs[0]", "Must have port for Service"),
]


@with_cel
@pytest.mark.parametrize(("edit", "where", "message"), BROKEN)
def test_a_rule_that_is_broken_is_told_in_its_own_words(
    edit: dict[str, Any], where: str, message: str
) -> None:
    found = validate(edited(SERVICE, edit), "3.5")
    assert [(one.code, one.where) for one in found] == [("rule-broken", where)]
    assert message in found[0].what


@with_cel
def test_what_breaks_no_rule_is_good() -> None:
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}],
        "timeouts": {"request": "1m", "backendRequest": "30s"},
        "backendRefs": [{"name": "a", "port": 8000}],
    }
    value = edited(
        SERVICE, {**route(rule), "spec.replicas": None, "spec.scaling": {"maxReplicas": 2, "wva": HPA}}
    )
    assert validate(value, "3.5") == ()


@with_cel
@pytest.mark.parametrize("release", KSERVE_RELEASES)
@pytest.mark.parametrize("kind", BASES)
def test_good_objects_break_no_rule(kind: str, release: str) -> None:
    for version in served(kind, release):
        assert validate(as_served(BASES[kind], version), release) == ()


def rules(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(rules, schema))
    if not isinstance(schema, dict):
        return set()
    own = schema.get("x-kubernetes-validations")
    found = {one["rule"] for one in own} if isinstance(own, list) else set()
    return found.union(*map(rules, schema.values()))


def every_rule() -> set[str]:
    import msgspec

    return set().union(*(rules(msgspec.json.decode(raw)) for raw in kept().schemas.values()))


@with_cel
def test_the_library_understands_every_rule() -> None:
    from celpy import Environment

    assert len(every_rule()) > 60
    for one in every_rule():
        assert Environment().compile(one) is not None


def test_no_rule_speaks_of_a_change() -> None:
    assert not [one for one in every_rule() if "oldSelf" in one]


def without_cel(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "modelcar_tui.kserve.cel.find_spec", lambda name: None if name == "celpy" else find(name)
    )


def test_without_the_library_each_rule_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    without_cel(monkeypatch)
    found = validate(edited(SERVICE, {"spec.scaling": {"maxReplicas": 2}}), "3.5")
    assert {one.code for one in found} == {"rule-unchecked"}
    assert {one.where for one in found} == {"spec", "spec.prefill", "spec.scaling"}
    assert any("replicas and scaling are mutually exclusive" in one.what for one in found)
    assert all("cel-python" in one.what and "install" in one.fix for one in found)


def test_without_the_library_objects_without_rules_are_checked_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    without_cel(monkeypatch)
    assert validate(BASES["InferenceService"]) == ()
    assert validate(SERVICE, "3.3") == ()


def test_rules_wait_until_the_structure_is_right() -> None:
    """As on a server, which evaluates none before."""
    found = validate(edited(SERVICE, {"spec.scaling": {"maxReplicas": "2"}}), "3.5")
    assert [one.code for one in found] == ["type-wrong"]


def told(rule: str, value: Any) -> list[Problem]:
    return list(broken(value, {"x-kubernetes-validations": [{"rule": rule}]}, "spec"))


@with_cel
@pytest.mark.parametrize("rule", ["self.a.b == 1", "self +", "self.a", "noSuchFunction(self)"])
def test_a_rule_that_fails_is_not_taken_for_kept_or_broken(rule: str) -> None:
    (only,) = told(rule, {"a": 1})
    assert only.code == "rule-unchecked"
    assert "--dry-run=server" in only.fix


def test_rules_on_a_change_are_left_out() -> None:
    assert told("self == oldSelf", 1) == []
