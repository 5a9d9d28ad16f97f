from __future__ import annotations

import base64
import json
import os
import stat

import pytest

from modelcar_tui.image.credentials import find_credential, skopeo_authfile
from modelcar_tui.image.errors import ImageError
from modelcar_tui.image.options import ImageOptions

NONE = ImageOptions()


def packed(login: str) -> str:
    return base64.b64encode(login.encode()).decode()


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def auths(**entries):
    return {"auths": {host: {"auth": packed(login)} for host, login in entries.items()}}


async def test_files_are_asked_in_skopeos_order(alone):
    docker = write(alone / ".docker" / "config.json", auths(**{"quay.io": "docker:1"}))
    found = await find_credential("quay.io", "a/b", NONE)
    assert (found.user, found.password.reveal(), found.origin) == ("docker", "1", str(docker))
    write(alone / ".config" / "containers" / "auth.json", auths(**{"quay.io": "config:2"}))
    assert (await find_credential("quay.io", "a/b", NONE)).user == "config"
    write(alone / "run" / "containers" / "auth.json", auths(**{"quay.io": "runtime:3"}))
    assert (await find_credential("quay.io", "a/b", NONE)).user == "runtime"
    assert await find_credential("other.io", "a/b", NONE) is None


async def test_the_named_file_is_the_only_one(alone, monkeypatch, tmp_path):
    write(alone / ".docker" / "config.json", auths(**{"quay.io": "docker:1"}))
    monkeypatch.setenv(
        "REGISTRY_AUTH_FILE", str(write(tmp_path / "named.json", auths(**{"quay.io": "named:2"})))
    )
    assert (await find_credential("quay.io", "a/b", NONE)).user == "named"
    given_file = str(write(tmp_path / "given.json", auths(**{"quay.io": "given:3"})))
    assert (await find_credential("quay.io", "a/b", ImageOptions(authfile=given_file))).user == "given"
    missing = ImageOptions(authfile=str(tmp_path / "nothing.json"))
    assert await find_credential("quay.io", "a/b", missing) is None


async def test_the_most_specific_key_wins(alone):
    entries = {
        "quay.io": "host:1",
        "quay.io/team": "team:2",
        "quay.io/team/model": "model:3",
        "quay.io/teams": "x:4",
    }
    write(alone / ".docker" / "config.json", auths(**entries))
    assert (await find_credential("quay.io", "team/model", NONE)).user == "model"
    assert (await find_credential("quay.io", "team/other", NONE)).user == "team"
    assert (await find_credential("quay.io", "tea/m", NONE)).user == "host"


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
async def test_docker_hub_by_each_of_its_names(alone, key):
    write(alone / ".docker" / "config.json", auths(**{key: "hub:1"}))
    assert (await find_credential("docker.io", "library/x", NONE)).user == "hub"


async def test_identity_tokens_and_old_files(alone):
    write(alone / ".dockercfg", {"quay.io": {"auth": packed("old:1")}})
    assert (await find_credential("quay.io", "a", NONE)).user == "old"
    write(alone / ".docker" / "config.json", {"auths": {"quay.io": {"identitytoken": "tok"}}})
    found = await find_credential("quay.io", "a", NONE)
    assert found.identity_token
    assert found.password.reveal() == "tok"


async def test_credential_helpers_get_the_host_on_stdin(alone, monkeypatch, tmp_path):
    helper = tmp_path / "docker-credential-fake"
    helper.write_text(
        '#!/bin/sh\nread host; echo "$@" > %s; printf \'{"Username":"%%s","Secret":"w"}\' "at-$host"\n'
        % (tmp_path / "argv")
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    config = alone / ".docker" / "config.json"
    write(config, {"credHelpers": {"quay.io": "fake"}})
    assert (await find_credential("quay.io", "a/b", NONE)).user == "at-quay.io"
    assert (tmp_path / "argv").read_text() == "get\n"
    assert await find_credential("other.io", "a/b", NONE) is None
    write(config, {"credsStore": "fake"})
    assert (await find_credential("other.io", "a/b", NONE)).user == "at-other.io"
    write(config, {"credsStore": "../evil"})
    assert await find_credential("other.io", "a/b", NONE) is None
    write(config, {"credsStore": "missing"})
    assert await find_credential("other.io", "a/b", NONE) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"auths": {"quay.io": {"auth": "%%%"}}}', "[" * 100_000]
)
async def test_broken_files_are_named_and_not_quoted(alone, text):
    path = write(alone / ".docker" / "config.json", text)
    with pytest.raises(ImageError) as caught:
        await find_credential("quay.io", "a", NONE)
    assert caught.value.problem.where == str(path)


@pytest.mark.parametrize(
    "text", ['{"auths": []}', '{"auths": {"quay.io": 7}}', '{"auths": {"quay.io": {}}}', "{}"]
)
async def test_files_without_a_login_are_no_fault(alone, text):
    write(alone / ".docker" / "config.json", text)
    assert await find_credential("quay.io", "a", NONE) is None


CONFIG = {"auths": {"registry.redhat.io": {"auth": packed("user:word")}}}
KUBERNETES = {"kind": "Secret", "data": {".dockerconfigjson": packed(json.dumps(CONFIG))}}
SHAPES = {
    "base64 login": packed("user:word"),
    "plain login": "user:word",
    "auth file": json.dumps(CONFIG),
    "base64 of an auth file": packed(json.dumps(CONFIG)),
    "wrapped base64": "\n".join([packed(json.dumps(CONFIG))[:40], packed(json.dumps(CONFIG))[40:]]),
    "dockercfg": json.dumps(CONFIG["auths"]),
    "Kubernetes Secret": json.dumps(KUBERNETES),
    "base64 of a Kubernetes Secret": packed(json.dumps(KUBERNETES)),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_pull_secret_in_each_shape(monkeypatch, shape):
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", SHAPES[shape])
    found = await find_credential("registry.redhat.io", "rhelai1/x", NONE)
    assert (found.user, found.password.reveal()) == ("user", "word")
    assert "'word'" not in repr(found)
    assert await find_credential("evil.example", "rhelai1/x", NONE) is None


async def test_a_pull_secret_in_base64_may_hold_a_password_of_several_lines(monkeypatch):
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", packed('_json_key:{\n  "a b": "c"\n}\n'))
    found = await find_credential("registry.redhat.io", "rhelai1/x", NONE)
    assert (found.user, found.password.reveal()) == ("_json_key", '{\n  "a b": "c"\n}')


async def test_a_bare_login_goes_to_the_stage_registry_too(monkeypatch):
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", packed("user:word"))
    assert (await find_credential("registry.stage.redhat.io", "a", NONE)).user == "user"


def test_skopeo_gets_a_private_file_that_vanishes(monkeypatch):
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", packed("user:word"))
    with skopeo_authfile("registry.redhat.io", "a/b", NONE) as path:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    assert not os.path.exists(os.path.dirname(path))
    with skopeo_authfile("quay.io", "a/b", NONE) as path:
        assert path is None


async def test_what_go_s_base64_does_not_read_is_packed_anew_for_skopeo(monkeypatch):
    text = json.dumps({"auths": {"https://quay.io/v1/": {"auth": packed("user:word").rstrip("=")}}})
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", text)
    with skopeo_authfile("quay.io", "a/b", NONE) as path, open(path) as file:
        assert json.load(file) == auths(**{"quay.io": "user:word"})


async def test_an_entry_of_the_pull_secret_that_can_t_be_used_is_for_its_own_host_alone(monkeypatch):
    entries = {"quay.io": {"auth": "!!!"}, "registry.redhat.io": {"auth": packed("user:word")}}
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", json.dumps({"auths": entries}))
    assert (await find_credential("registry.redhat.io", "a", NONE)).user == "user"
    assert await find_credential("ghcr.io", "a", NONE) is None
    with pytest.raises(ImageError, match=r"quay\.io: the entry is not base64 of user:password"):
        await find_credential("quay.io", "a", NONE)


async def test_a_host_without_a_login_in_its_file_is_asked_of_the_store(alone, monkeypatch, tmp_path):
    helper = tmp_path / "docker-credential-fake"
    helper.write_text('#!/bin/sh\necho \'{"Username":"stored","Secret":"w"}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    write(alone / ".docker" / "config.json", {"auths": {"quay.io": {"email": "a@b.c"}}, "credsStore": "fake"})
    assert (await find_credential("quay.io", "a", NONE)).user == "stored"


@pytest.mark.parametrize(
    "text", [packed("us\ner:word"), json.dumps({"auths": {"registry.redhat.io": {"auth": "!"}}})]
)
async def test_a_pull_secret_that_can_t_be_used_keeps_no_image_of_another_host_from_being_read(
    monkeypatch, text
):
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", text)
    assert await find_credential("quay.io", "a", NONE) is None
    with pytest.raises(ImageError):
        await find_credential("registry.redhat.io", "a", NONE)
