"""The pull secret in all its shapes, and nowhere in clear."""

from __future__ import annotations

import base64
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.pull_secret import NONE, PullSecret, parse, read_login
from modelcar_tui.core.secrets import Redactor, Secret, inside_base64, redact, teach
from support.masks import unnumbered

AUTH = base64.b64encode(b"user|name:pass:word").decode()
OTHER = base64.b64encode(b"other:secret-of-other").decode()
CONFIG = {"auths": {"registry.redhat.io": {"auth": AUTH}, "quay.io/team": {"auth": OTHER}}}


def b64(value: object) -> str:
    return base64.b64encode((value if isinstance(value, str) else json.dumps(value)).encode()).decode()


def secret_object(config: object, key: str = ".dockerconfigjson", part: str = "data") -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Secret", part: {key: b64(config) if part == "data" else config}}


def lines(text: str) -> str:
    return "\n".join(text[at : at + 20] for at in range(0, len(text), 20))


YAML = f"""\
---
apiVersion: v1
data:
  .dockerconfigjson: {b64(CONFIG)}
kind: Secret
metadata:
  name: pull
type: kubernetes.io/dockerconfigjson
"""
PAIR = {"username": "user|name", "password": "pass:word"}
SHAPES = {
    "base64": AUTH,
    "base64 between blanks": f"  {AUTH}\n",
    "base64 without padding": AUTH.rstrip("="),
    "base64 in lines": lines(AUTH),
    "base64 with a line end in it": b64("user|name:pass:word\n"),
    "plain": "user|name:pass:word",
    "auth file": json.dumps(CONFIG),
    "auth file in base64": b64(CONFIG),
    "auth file in base64 without padding": b64(json.dumps(CONFIG) + " ").rstrip("="),
    "old .dockercfg": json.dumps(CONFIG["auths"]),
    "one entry": json.dumps({"auth": AUTH}),
    "one entry in base64": b64({"auth": AUTH}),
    "one entry of name and password": json.dumps(PAIR),
    "name and password": json.dumps({"auths": {"registry.redhat.io": PAIR}}),
    "address of version 1": json.dumps({"auths": {"https://registry.redhat.io/v1/": {"auth": AUTH}}}),
    "address of version 2": json.dumps({"auths": {"http://registry.redhat.io/v2/": {"auth": AUTH}}}),
    "address without its scheme": json.dumps({"auths": {"registry.redhat.io/v2/": {"auth": AUTH}}}),
    "auth without padding": json.dumps({"auths": {"registry.redhat.io": {"auth": AUTH.rstrip("=")}}}),
    "auth in lines": json.dumps({"auths": {"registry.redhat.io": {"auth": lines(AUTH)}}}),
    "auth wins over the pair": json.dumps(
        {"auths": {"registry.redhat.io": {"auth": AUTH, "username": "x", "password": "old"}}}
    ),
    "token beside a password": json.dumps(
        {"auths": {"registry.redhat.io": {"auth": AUTH, "identitytoken": "t"}}}
    ),
    "base64 twice": b64(AUTH),
    "between quotes of a shell": f"'{AUTH}'",
    "auth file between quotes of a shell": f"'{json.dumps(CONFIG)}'",
    "auth file with a byte order mark": "\ufeff" + json.dumps(CONFIG),
    "list of entries": json.dumps([{"auth": AUTH}, {"auth": OTHER}]),
    "list of entries in base64": b64([{"auth": AUTH}]),
    "list of an auth file": json.dumps([CONFIG]),
    "Kubernetes Secret": json.dumps(secret_object(CONFIG)),
    "Kubernetes Secret in plain": json.dumps(secret_object(json.dumps(CONFIG), part="stringData")),
    "Kubernetes Secret of the old kind": json.dumps(secret_object(CONFIG["auths"], ".dockercfg")),
    "Kubernetes Secret in base64": b64(secret_object(CONFIG)),
    "Kubernetes Secret in YAML": YAML,
    "Kubernetes Secret in YAML in base64": b64(YAML),
    "Kubernetes Secret in YAML that quotes": YAML.replace("kind: Secret", 'kind: "Secret"'),
    "Kubernetes Secret in YAML with a comment": YAML.replace(
        "kind: Secret", "kind: Secret  # of the console"
    ),
    "Kubernetes Secret in YAML with line ends of DOS": "\ufeff" + YAML.replace("\n", "\r\n"),
    "Kubernetes Secret beside another object": f"{YAML}---\nkind: ServiceAccount\nmetadata: {{name: x}}\n",
    "Kubernetes Secret behind another object": f"kind: ServiceAccount\n{YAML}",
    "data of a Kubernetes Secret": json.dumps({".dockerconfigjson": b64(CONFIG)}),
    "Kubernetes Secret of a config.json": json.dumps(secret_object(CONFIG, "config.json")),
    "Kubernetes list": json.dumps({"kind": "List", "items": [{"kind": "Pod"}, secret_object(CONFIG)]}),
    "Kubernetes list in YAML": "kind: List\nitems:\n"
    + YAML.removeprefix("---\n").replace("apiVersion", "- apiVersion").replace("\n", "\n  ").rstrip(),
    "auth file in YAML": f"auths:\n  registry.redhat.io:\n    auth: {AUTH}\n",
    "auth file with a byte order mark in base64": b64("\ufeff" + json.dumps(CONFIG)),
    "auth file in lines of DOS": json.dumps(CONFIG, indent=2).replace("\n", "\r\n"),
    "auth file as a string of JSON": json.dumps(json.dumps(CONFIG)),
    "line of a shell": f"export OCI_REGISTRY_PULL_SECRET='{AUTH}'",
    "host in other letters, between blanks": json.dumps({"auths": {" Registry.RedHat.io ": {"auth": AUTH}}}),
    "pattern of hosts": json.dumps({"auths": {"*.redhat.io": {"auth": AUTH}}}),
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_each_shape_gives_the_same_login(text: str) -> None:
    secret = parse(Secret(text))
    found, login = secret.for_host("registry.redhat.io"), secret.login("registry.redhat.io/rhelai1/x")
    assert found is not None and login is not None
    assert found.reveal() == AUTH
    assert (login.user, login.password.reveal()) == ("user|name", "pass:word")
    assert unnumbered(redact(f"it said {AUTH} and pass:word")) == "it said *** and ***"


@pytest.mark.parametrize("text", [AUTH, "user|name:pass:word", json.dumps({"auth": AUTH})])
def test_a_bare_login_is_for_one_registry_and_its_stage(text: str) -> None:
    secret = parse(Secret(text))
    assert secret.bare
    assert secret.for_host("registry.stage.redhat.io") is not None
    assert secret.for_host("quay.io") is None
    own = parse(Secret(text), login_host="quay.io")
    assert (own.hosts, own.for_host("registry.redhat.io")) == (("quay.io",), None)


def test_base64_for_addresses_is_base64() -> None:
    login = "us?r:p>ss~~?\u00ff"
    packed = base64.urlsafe_b64encode(login.encode()).decode()
    assert set("-_") & set(packed)
    assert parse(Secret(packed)).for_host("registry.redhat.io").reveal() == b64(login)


def test_a_path_is_told_as_what_it_is() -> None:
    with pytest.raises(UserError) as caught:
        parse(Secret("/home/op/.config/containers/auth.json"))
    assert "the path of a file" in str(caught.value)
    assert "$(cat FILE)" in str(caught.value)
    assert "/home/op" not in str(caught.value)


def test_one_bad_entry_spoils_no_other() -> None:
    bad = {"quay.io": {"auth": "!!!"}, "ghcr.io": [{"auth": AUTH}], "docker.io": {}, "x.io": "text"}
    secret = parse(Secret(json.dumps({"auths": {**CONFIG["auths"], **bad}})))
    assert secret.for_host("registry.redhat.io") is not None
    assert secret.for_host("docker.io") is None
    for host, why in (("quay.io", "not base64"), ("ghcr.io", "not an object"), ("x.io", "not an object")):
        with pytest.raises(UserError, match=f"{host}: the entry is {why}"):
            secret.login(host)


def test_an_identity_token_opens_an_image_and_is_no_password_for_the_suite() -> None:
    secret = parse(Secret(json.dumps({"auths": {"quay.io": {"identitytoken": "refresh-me"}}})))
    login = secret.login("quay.io")
    assert login is not None and login.token is not None
    assert (login.token.reveal(), login.entry()) == ("refresh-me", {"identitytoken": "refresh-me"})
    with pytest.raises(UserError, match="identity token"):
        secret.for_host("quay.io")


def test_of_several_secrets_each_gives_its_hosts() -> None:
    other = {
        "auths": {
            "nvcr.io": {"auth": OTHER},
            "bad.io": {"auth": "%%%"},
            "registry.redhat.io": {"auth": OTHER},
        }
    }
    secret = parse(Secret(json.dumps([secret_object(CONFIG), {"kind": "Secret"}, other])))
    found = {host: secret.for_host(host) for host in ("registry.redhat.io", "nvcr.io")}
    assert {host: one.reveal() for host, one in found.items() if one} == {
        "registry.redhat.io": AUTH,
        "nvcr.io": OTHER,
    }
    with pytest.raises(UserError, match=r"entry for bad\.io"):
        secret.for_host("bad.io")


@pytest.mark.parametrize(
    "place", ["redhat.io", "a.b.redhat.io", "registry.redhat.io:5000", "registry.redhat.com"]
)
def test_a_pattern_of_hosts_is_read_label_by_label(place: str) -> None:
    secret = parse(Secret(json.dumps({"auths": {"*.redhat.io": {"auth": AUTH}}})))
    assert secret.for_host(place) is None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"])
def test_docker_hub_has_several_names(key: str) -> None:
    secret = parse(Secret(json.dumps({"auths": {key: {"auth": AUTH}}})))
    assert secret.for_host("docker.io/library") is not None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"credHelpers": {"quay.io": "ecr-login"}}, "credHelpers keeps it elsewhere"),
        ({"auths": None, "credsStore": "pass"}, "credsStore keeps it elsewhere"),
        ({"auths": {"quay.io": {}}, "credsStore": "pass"}, "credsStore keeps it elsewhere"),
        ({"auths": {"quay.io": {}}}, "no login for quay.io"),
        ({"auths": {"quay.io": {"auth": ""}}}, "no login for quay.io"),
        ({"auths": {"quay.io": {"auth": b64("user")}}}, "not base64 of user:password"),
        ({"auths": {"quay.io": {"auth": b64("user:")}}}, "has no password"),
        ({"auths": {"quay.io": {"auth": b64(":word")}}}, "has no user name"),
        ({"auth": "!!!"}, "not base64 of user:password"),
        ({"kind": "Secret", "data": {"password": "x"}}, "has no .dockerconfigjson"),
        ({"kind": "Secret"}, "has no .dockerconfigjson"),
        ({}, "names no registry"),
        ({"a": 1}, "names no registry"),
        ({"auths": 7}, "is not an object"),
    ],
)
def test_a_refusal_says_what_is_missing_and_how_to_mend_it(data: object, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(Secret(json.dumps(data))).checked()
    problem = caught.value.problems[0]
    assert said in problem.what
    assert "OCI_REGISTRY_PULL_SECRET" in problem.fix


def test_auth_file_answers_by_host_and_namespace() -> None:
    secret = parse(Secret(json.dumps(CONFIG)))
    assert secret.hosts == ("registry.redhat.io", "quay.io/team")
    assert secret.login("quay.io") is None
    found = secret.for_host("quay.io/team/image")
    assert found is not None
    assert found.reveal() == OTHER


def test_the_suite_takes_the_only_login_of_a_registrys_namespaces() -> None:
    secret = parse(Secret(json.dumps(CONFIG)))
    found = secret.for_host("quay.io")
    assert found is not None
    assert found.reveal() == OTHER
    assert secret.for_host("ghcr.io") is None
    two = {"auths": {"quay.io/a": {"auth": AUTH}, "quay.io/b": {"auth": OTHER}}}
    with pytest.raises(UserError, match=r"several logins \(quay\.io/a, quay\.io/b\)"):
        parse(Secret(json.dumps(two))).for_host("quay.io")
    bad = {"auths": {"quay.io/a": {"auth": "!!!"}, "ghcr.io": {"auth": AUTH}}}
    with pytest.raises(UserError, match=r"entry for quay\.io/a"):
        parse(Secret(json.dumps(bad))).for_host("quay.io")


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
        '{"a": 1}',
        "[1]",
        b64(b64(b64(CONFIG))),
        "kind: Secret\ndata: {.dockerconfigjson: [",
        "kind: Secret\ndata: &a {b: *a}",
        "kind: Secret\ndata: " + "[" * 5000,
        "[" * 5000,
        '{"a":' * 5000,
        "x" * 1_000_001,
    ],
)
def test_what_is_no_pull_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(Secret(text)).checked()
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
    assert "pass:" not in f"{secret!s} {read_login(PAIR)!r}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_secret_inside_a_longer_base64_is_redacted(before: str, after: str) -> None:
    teach(AUTH)
    shown = Redactor()(b64(before + AUTH + after))
    assert "***" in unnumbered(shown)
    for form in inside_base64(AUTH):
        assert not any(form[place : place + 10] in shown for place in range(len(form) - 10))


@given(
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    pad=st.binary(max_size=5),
)
def test_base64_of_a_longer_text_holds_one_of_the_three_forms(value: str, pad: bytes) -> None:
    whole = base64.b64encode(pad + value.encode() + b"tail").decode()
    assert any(form in whole for form in inside_base64(value))


def test_nothing_at_all_has_no_login() -> None:
    assert (NONE.hosts, NONE.login("quay.io"), NONE.for_host("quay.io")) == ((), None, None)
    assert isinstance(NONE, PullSecret)


@pytest.mark.parametrize("entry", [{}, {"auth": ""}, {"auth": 7}, {"email": "a@b.c"}, {"username": None}])
def test_an_entry_without_a_credential_is_none(entry: dict[str, object]) -> None:
    assert read_login(entry) is None
