"""One context, everything embedded, every credential known to the redactor."""

from __future__ import annotations

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube import plugin as module
from modelcar_tui.kube.flattened import flatten, teach_lent
from modelcar_tui.kube.kubeconfig import find_credentials, kubeconfig_paths
from modelcar_tui.kube.types import ClusterOptions
from support.masks import unnumbered


def write(
    path: Path, user: dict[str, Any], *, name: str = "dev", cluster: dict[str, Any] | None = None
) -> Path:
    config = {
        "current-context": name,
        "contexts": [
            {"name": name, "context": {"cluster": "c", "user": f"u-{name}", "namespace": "models"}},
            {"name": "unused", "context": {"cluster": "other", "user": "other"}},
        ],
        "clusters": [
            {"name": "c", "cluster": cluster or {"server": "https://api.test:6443"}},
            {"name": "other", "cluster": {"server": "https://other.test:6443"}},
        ],
        "users": [
            {"name": f"u-{name}", "user": user},
            {"name": "other", "user": {"token": "token-of-other"}},
        ],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def at(*paths: Path, context: str | None = None) -> ClusterOptions:
    return ClusterOptions(kubeconfig=os.pathsep.join(str(path) for path in paths), context=context)


def plugin(folder: Path, script: str) -> dict[str, Any]:
    program = folder / "plugin"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "args": ["a b"]}}


async def test_only_the_used_context_remains(tmp_path: Path) -> None:
    redact = Redactor()
    flat = await flatten(at(write(tmp_path / "k", {"token": "sha256~mine-and-only-mine"})))
    config = json.loads(flat.data)
    assert [len(config[kind]) for kind in ("contexts", "clusters", "users")] == [1, 1, 1]
    assert config["contexts"][0]["context"] == {"cluster": "qa", "user": "qa", "namespace": "models"}
    assert flat.credentials.server == "https://api.test:6443"
    assert b"token-of-other" not in flat.data
    assert b"other.test" not in flat.data
    assert unnumbered(redact("sha256~mine-and-only-mine")) == "***"
    assert "mine" not in repr(flat)
    assert yaml.safe_load(flat.data) == config


async def test_files_are_embedded_relative_to_their_kubeconfig(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for name in ("ca.crt", "me.crt", "me.key"):
        (folder / name).write_text(f"PEM of {name}")
    (folder / "token").write_text("a-token-from-a-file\n")
    user = {"client-certificate": "me.crt", "client-key": str(folder / "me.key"), "tokenFile": "token"}
    cluster = {"server": "https://api.test", "certificate-authority": "ca.crt"}
    flat = await flatten(at(write(folder / "k", user, cluster=cluster)))
    config = json.loads(flat.data)
    held = config["users"][0]["user"]
    assert base64.b64decode(held["client-certificate-data"]) == b"PEM of me.crt"
    assert base64.b64decode(held["client-key-data"]) == b"PEM of me.key"
    assert held["token"] == "a-token-from-a-file"
    assert (
        base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]) == b"PEM of ca.crt"
    )
    assert set(held) == {"client-certificate-data", "client-key-data", "token"}
    assert "__folder__" not in flat.data.decode()


async def test_first_file_of_a_list_wins(tmp_path: Path) -> None:
    one, two = (
        write(tmp_path / "1", {"token": "one-token"}, name="one"),
        write(tmp_path / "2", {"token": "two"}, name="two"),
    )
    paths = kubeconfig_paths(os.pathsep.join([str(one), str(tmp_path / "missing"), str(two)]))
    assert paths == (one, two)
    assert (await flatten(at(*paths))).credentials.context == "one"
    assert (await flatten(at(*paths, context="two"))).credentials.context == "two"


def test_paths_are_found_as_kubectl_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig_paths(environ={}) == ()
    (tmp_path / ".kube").mkdir()
    default = write(tmp_path / ".kube" / "config", {})
    other = write(tmp_path / "other", {})
    assert kubeconfig_paths(environ={}) == (default,)
    assert kubeconfig_paths(environ={"KUBECONFIG": str(other)}) == (other,)
    assert kubeconfig_paths(str(default), {"KUBECONFIG": str(other)}) == (default,)


async def test_plugin_is_run_and_replaced_by_its_token(tmp_path: Path) -> None:
    script = (
        'test "$1" = "a b" || exit 1; test -n "$KUBERNETES_EXEC_INFO" || exit 2; test "$WHO" = me || exit 3\n'
        'echo \'{"kind":"ExecCredential","status":{"token":"token-of-plugin",'
        '"expirationTimestamp":"2026-08-21T12:00:00Z"}}\''
    )
    user = plugin(tmp_path, script)
    user["exec"]["env"] = [{"name": "WHO", "value": "me"}]
    redact = Redactor()
    flat = await flatten(at(write(tmp_path / "k", user)))
    assert json.loads(flat.data)["users"][0]["user"] == {"token": "token-of-plugin"}
    assert flat.warnings[0].startswith("the token from ")
    assert "expired at 2026-08-21 12:00 UTC" in flat.warnings[0]
    assert unnumbered(redact("token-of-plugin")) == "***"


def jwt(exp: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": exp, "sub": "x"}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


@pytest.mark.parametrize(
    ("left_s", "needed_s", "said"),
    [(7_200, 3_600, ""), (1_830, 3_600, "in 30 minutes; the suite may take 60"), (-60, 3_600, "expired at")],
)
async def test_token_that_ends_before_the_suite_may_is_warned_of(
    left_s: float, needed_s: float, said: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "k", {"token": jwt(time.time() + left_s)})
    flat = await flatten(at(path), needed_s=needed_s)
    assert said in "".join(flat.warnings)
    assert bool(flat.warnings) == bool(said)


@pytest.mark.parametrize("exp", ["1e18", "1e400", "9" * 400, "253402300800"])
async def test_token_that_ends_in_no_year_that_there_is_lasts(exp: str, tmp_path: Path) -> None:
    claims = base64.urlsafe_b64encode(f'{{"exp": {exp}}}'.encode()).decode().rstrip("=")
    path = write(tmp_path / "k", {"token": f"e30.{claims}.c2ln"})
    assert (await flatten(at(path), needed_s=3_600)).warnings == ()
    assert "expires at 9999-12-31" in (await flatten(at(path))).warnings[0]


@pytest.mark.parametrize("token", ["sha256~abc", "a.b.c", "e30.e30.x", "e30.!!.x", ""])
async def test_token_that_tells_nothing_is_not_guessed_at(token: str, tmp_path: Path) -> None:
    assert (await flatten(at(write(tmp_path / "k", {"token": token})), needed_s=1e9)).warnings == ()


@pytest.mark.parametrize(
    "part",
    [
        {"args": ["hush\0hush"]},
        {"env": [{"name": "A", "value": "hush\0hush"}]},
        {"env": [{"name": "A=B", "value": "hush"}]},
        {"args": 5, "env": True, "provideClusterInfo": "hush", "apiVersion": ["hush"]},
    ],
)
async def test_a_plugin_that_no_process_can_be_is_one_clear_line_without_its_secrets(
    tmp_path: Path, part: dict[str, Any]
) -> None:
    user = plugin(tmp_path, "exit 1")
    user["exec"].update(part)
    with pytest.raises(UserError) as caught:
        await flatten(at(write(tmp_path / "k", user)))
    assert "plugin" in str(caught.value) and "hush" not in str(caught.value)


async def test_what_was_read_shows_neither_the_login_of_a_proxy_nor_what_a_plugin_is_given(
    tmp_path: Path,
) -> None:
    user = plugin(tmp_path, "exit 1")
    user["exec"]["env"] = [{"name": "PASSWORD", "value": "hush"}]
    cluster = {"server": "https://api.test:6443", "proxy-url": "http://me:hush@proxy.test:3128"}
    found = find_credentials(at(write(tmp_path / "k", user, cluster=cluster)))
    assert found.proxy and found.plugin
    assert "hush" not in repr(found)


async def test_plugin_may_give_a_client_certificate(tmp_path: Path) -> None:
    script = 'echo \'{"status":{"clientCertificateData":"CERT","clientKeyData":"KEY"}}\''
    flat = await flatten(at(write(tmp_path / "k", plugin(tmp_path, script))))
    held = json.loads(flat.data)["users"][0]["user"]
    assert {key: base64.b64decode(value) for key, value in held.items()} == {
        "client-certificate-data": b"CERT",
        "client-key-data": b"KEY",
    }


@pytest.mark.parametrize(
    ("script", "needle"),
    [
        ("exit 3", "failed, it gave no credential (exit 3)"),
        ("echo '{}'", "gave no credential"),
        ("echo '{\"status\":{}}'", "without a token"),
        ("sleep 30", "gave no token within"),
    ],
)
async def test_plugin_that_fails_is_one_clear_line(
    script: str, needle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXEC_TIMEOUT_S", 0.5)
    with pytest.raises(UserError) as caught:
        await flatten(at(write(tmp_path / "k", plugin(tmp_path, script))))
    assert needle in str(caught.value)
    assert "plug-in plugin" in str(caught.value)
    assert caught.value.status is ExitStatus.CLUSTER


@pytest.mark.parametrize(
    ("user", "needle"),
    [
        (
            {"exec": {"command": "no-such-plugin", "installHint": "dnf install it\nsecond line"}},
            "plug-in no-such-plugin is not installed; dnf install it second line",
        ),
        ({"auth-provider": {"name": "oidc"}}, "the OIDC login has no idp-issuer-url"),
        ({"auth-provider": {"name": "gcp"}}, "no auth-provider gcp any more"),
        ({"client-key": "/no/such/key"}, "/no/such/key can't be read"),
    ],
)
async def test_users_that_can_not_be_embedded(user: dict[str, Any], needle: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        await flatten(at(write(tmp_path / "k", user)))
    assert needle in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "a: *b", "current-context: x", "\x00", "contexts: 7\ncurrent-context: y"]
)
async def test_broken_kubeconfig_is_one_clear_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        await flatten(at(path))
    assert "\n" not in str(caught.value)


async def test_no_kubeconfig_names_the_command() -> None:
    with pytest.raises(UserError, match="oc login"):
        await flatten(ClusterOptions())


async def test_lent_kubeconfig_teaches_the_next_process(tmp_path: Path) -> None:
    flat = await flatten(at(write(tmp_path / "k", {"token": "sha256~lent-before-the-crash"})))
    lent = tmp_path / "lent"
    lent.write_bytes(flat.data)
    redact = Redactor()
    teach_lent(lent)
    assert unnumbered(redact("sha256~lent-before-the-crash")) == "***"
    for text in ("", "[]", '{"users": []}', '{"users": [7]}'):
        lent.write_text(text)
        teach_lent(lent)
    teach_lent(tmp_path / "missing")
