"""The pull secret in all its shapes, and nowhere in clear."""

from __future__ import annotations

import base64
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor, Secret
from modelcar_tui.qa.pullsecret import Shape, inside_base64, parse, teach

AUTH = base64.b64encode(b"user|name:pass:word").decode()
OTHER = base64.b64encode(b"other:secret-of-other").decode()
CONFIG = {"auths": {"registry.redhat.io": {"auth": AUTH}, "quay.io/team": {"auth": OTHER}}}


def b64(value: object) -> str:
    return base64.b64encode((value if isinstance(value, str) else json.dumps(value)).encode()).decode()


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (AUTH, Shape.BASIC),
        (f"  {AUTH}\n", Shape.BASIC),
        (AUTH.rstrip("="), Shape.BASIC),
        (b64("user|name:pass:word\n"), Shape.BASIC),
        ("user|name:pass:word", Shape.PLAIN),
        (json.dumps(CONFIG), Shape.CONFIG),
        (json.dumps(CONFIG["auths"]), Shape.CONFIG),
        (b64(CONFIG), Shape.CONFIG64),
        (json.dumps({"auth": AUTH}), Shape.ENTRY),
        (
            json.dumps({"auths": {"registry.redhat.io": {"username": "user|name", "password": "pass:word"}}}),
            Shape.CONFIG,
        ),
        (json.dumps({"auths": {"https://registry.redhat.io/v1/": {"auth": AUTH}}}), Shape.CONFIG),
        (json.dumps({"auths": {"registry.redhat.io": [{"auth": AUTH}]}}), Shape.CONFIG),
    ],
)
def test_shapes_are_recognised_and_converted(text: str, shape: Shape) -> None:
    secret = parse(Secret(text))
    assert secret.shape is shape
    found = secret.for_host("registry.redhat.io")
    assert found is not None
    assert found.reveal() == AUTH


def test_auth_file_answers_by_host_and_namespace() -> None:
    secret = parse(Secret(json.dumps(CONFIG)))
    assert secret.hosts == ("registry.redhat.io", "quay.io/team")
    assert secret.for_host("quay.io") is None
    found = secret.for_host("quay.io/team/image")
    assert found is not None
    assert found.reveal() == OTHER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "hello",
        b64("no colon"),
        ":nouser",
        "nobody:",
        "a b:c d",
        "{",
        "{}",
        '{"auths": {}}',
        '{"auths": 7}',
        '{"auths": {"r": {}}}',
        '{"auths": {"r": {"auth": "%%%"}}}',
        "[" * 5000,
        '{"a":' * 5000,
        "x" * 1_000_001,
    ],
)
def test_what_is_no_pull_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(Secret(text))
    message = str(caught.value)
    assert "OCI_REGISTRY_PULL_SECRET" in message
    assert len(text.strip()) < 5 or text.strip() not in message
    assert caught.value.__cause__ is None


@given(st.text(max_size=200))
def test_no_text_makes_it_fall(text: str) -> None:
    try:
        parse(Secret(text))
    except UserError:
        return


def test_it_shows_itself_nowhere() -> None:
    secret = parse(Secret(json.dumps(CONFIG)))
    assert AUTH not in repr(secret)
    assert "word" not in f"{secret!s}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_secret_inside_a_longer_base64_is_redacted(before: str, after: str) -> None:
    redact = Redactor()
    teach(redact, AUTH)
    shown = redact(b64(before + AUTH + after))
    assert "***" in shown
    for form in inside_base64(AUTH):
        assert not any(form[place : place + 10] in shown for place in range(len(form) - 10))


@given(
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    pad=st.binary(max_size=5),
)
def test_base64_of_a_longer_text_holds_one_of_the_three_forms(value: str, pad: bytes) -> None:
    whole = base64.b64encode(pad + value.encode() + b"tail").decode()
    assert any(form in whole for form in inside_base64(value))
