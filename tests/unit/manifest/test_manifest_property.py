"""Any style of YAML: none accepted gives the base's bytes, any accepted ones give exactly what was meant."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from manifest_styles import Styled, cars, effective, load, styled

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.resources import samples
from modelcar_tui.manifest.apply import apply_changes
from modelcar_tui.manifest.diff import text_hunks, unified_patch
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.manifest.reader import parse_manifest

CHUNKS = 20
PER_CHUNK = 500
SAMPLES = [path.read_bytes() for path in sorted(samples().glob("*.yaml"))]
FRAGMENTS = [
    b"&a ",
    b"*a",
    b"<<: ",
    b"- ",
    b"? ",
    b": ",
    b"\n",
    b"\r\n",
    b"\t",
    b"[",
    b"]",
    b"{",
    b"}",
    b"'",
    b'"',
    b"#",
    b"|+\n",
    b">-\n",
    b"!!str ",
    b"!!python/name:os.system ",
    b"---\n",
    b"...\n",
    b"%YAML 1.1\n",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\xc2\x85",
    b"null",
    b"0644",
    b"12:30",
    b"model-car:",
    b"args:",
    b",",
    b"~",
]


def text_of(data: bytes) -> str:
    """The text of a generated manifest."""
    return data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")


def check(case: Styled) -> None:
    """Everything that must hold of one manifest and its plan."""
    before = parse_manifest(case.data, "x")
    document = load(case.text)
    assert [(car.name, car.serving.args, car.serving.gpu_count) for car in before.models] == [
        (item["name"], tuple(block.get("args") or ()), block.get("gpu_count", 1))
        for item in cars(document)
        for block in [effective(document, item)]
    ]
    nothing = Decision(plan_digest=case.plan.digest, write=True)
    assert apply_changes(case.data, case.plan, nothing) == case.data
    assert text_hunks(case.data, case.plan, nothing) == ()
    result = apply_changes(case.data, case.plan)
    text = text_of(result)
    assert load(text) == case.intended
    parse_manifest(result, "y")
    assert text.endswith(("\n", "\r")) == case.text.endswith(("\n", "\r"))
    if "\r\n" in case.text:
        assert "\n" not in text.replace("\r\n", "")
    left = iter(text.splitlines())
    for line in case.text.splitlines():
        if line.lstrip().startswith("#"):
            assert any(line == other for other in left), f"the comment {line!r} is gone"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_ten_thousand_manifests(chunk: int) -> None:
    changed = 0
    for seed in range(chunk * PER_CHUNK, (chunk + 1) * PER_CHUNK):
        case = styled(seed)
        check(case)
        changed += bool(case.plan.changes)
    assert changed > PER_CHUNK / 2


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**63), st.randoms(use_true_random=False))
def test_any_subset_in_any_style(seed: int, random: Random) -> None:
    """A subset changes the models that it names; the others mean what they meant."""
    case = styled(seed)
    accepted = tuple(change.id for change in case.plan.changes if random.random() < 0.5)
    decision = Decision(plan_digest=case.plan.digest, accepted=accepted, write=True)
    result = apply_changes(case.data, case.plan, decision)
    named = {change.model for change in case.plan.changes if change.id in accepted}
    old = {car.name: car.serving for car in parse_manifest(case.data, "x").models}
    new = {car.name: car.serving for car in parse_manifest(result, "x").models}
    for name, serving in old.items():
        if name not in named:
            assert (new[name].args, new[name].gpu_count) == (serving.args, serving.gpu_count)
    for change in case.plan.changes:
        if change.id in accepted and change.operation == "gpu_count":
            assert new[change.model].gpu_count == int(change.new or 0)
        elif change.id in accepted and change.new is not None:
            assert change.new in new[change.model].args


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**63))
def test_every_change_is_named_by_a_hunk(seed: int) -> None:
    case = styled(seed)
    result = apply_changes(case.data, case.plan)
    hunks = text_hunks(case.data, case.plan)
    named = {name for hunk in hunks for name in hunk.changes}
    if result == case.data:
        assert hunks == ()
        return
    for change in case.plan.changes:
        accepted = Decision(plan_digest=case.plan.digest, accepted=(change.id,), write=True)
        alone = apply_changes(case.data, case.plan, accepted)
        assert change.id in named or alone == case.data
    assert all(hunk.changes for hunk in hunks)
    patch = unified_patch(case.data, case.plan)
    assert patch.startswith("--- x.base.yaml\n+++ x.base.yaml\n@@ ")


def _escapes(data: bytes) -> None:
    try:
        manifest = parse_manifest(data, "x")
    except UserError as error:
        assert 1 <= len(error.problems) <= 20
        for problem in error.problems:
            assert str(problem).isprintable()
            assert problem.code
            assert problem.fix
    else:
        for car in manifest.models:
            assert all(text.isprintable() for text in (car.name, car.image, *car.serving.args))
            assert car.serving.gpu_count >= 1


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbf\xef\xbb\xbfmodel-car: []")
def test_random_bytes_raise_nothing_else(data: bytes) -> None:
    _escapes(data)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60))
def test_random_yaml_raises_nothing_else(parts: list[bytes]) -> None:
    _escapes(b"".join(parts))
    _escapes(b"model-car:\n- name: " + b"".join(parts))


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(FRAGMENTS)), max_size=6),
)
def test_damaged_samples_raise_nothing_else(data: bytes, damage: list[tuple[int, bytes]]) -> None:
    for at, fragment in damage:
        place = at % (len(data) + 1)
        data = data[:place] + fragment + data[place + at % 3 :]
    _escapes(data)


def test_samples_are_read() -> None:
    base = next(data for data in SAMPLES if data.startswith(b"# Model-cars to check"))
    assert len(parse_manifest(base, "x").models) == 5
    assert {Path(path).suffix for path in samples().iterdir()} == {".yaml"}
