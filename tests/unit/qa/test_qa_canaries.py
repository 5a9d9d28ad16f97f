"""QA's own client: a credential that can't be sent is refused unquoted, one that is repeated is shown
nowhere."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import urllib3

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.pull_secret import parse
from modelcar_tui.core.secrets import Redactor, Secret, redact, teach
from modelcar_tui.kube.connection import connect_as
from modelcar_tui.kube.errors import ClusterError, unreachable
from modelcar_tui.kube.flattened import flatten
from modelcar_tui.kube.types import ClusterOptions
from modelcar_tui.qa.preconditions import skip_reason
from modelcar_tui.qa.types import QaOutcome
from support.echo_server import ECHOES, echo_server, shown
from support.masks import unnumbered

CANARY = "CANARYaaaa0001bbbb0002cccc0003"
HEAD, TAIL = "CANARYaaaa0001", "bbbbCANARY0002"


def kubeconfig(folder: Path, user: dict[str, Any], server: str = "https://api.test:6443") -> ClusterOptions:
    path = folder / "kubeconfig"
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "me"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": user}],
    }
    path.write_text(json.dumps(config))
    return ClusterOptions(kubeconfig=str(path))


@pytest.mark.parametrize("echo", sorted(ECHOES))
@pytest.mark.parametrize(
    "user", [{"token": CANARY}, {"username": "someone", "password": CANARY}], ids=["token", "basic"]
)
async def test_what_the_api_server_repeats_is_in_no_error(
    tmp_path: Path, echo: str, user: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.kube.client.THROTTLED_TRIES", 1)
    monkeypatch.setattr("modelcar_tui.kube.client.TRIES", 2)
    with echo_server(echo) as server:
        options = kubeconfig(tmp_path, user, server.url)
        async with connect_as(await flatten(options), options) as api:
            for ask in (lambda: api.read("/version"), lambda: drained(api.log("/log"))):
                try:
                    await ask()
                except ClusterError as error:
                    assert str(error)
                    assert shown(str(error).encode(), CANARY) == []
                else:
                    assert echo == "success" or ask.__code__.co_names[0] != "api"
    assert server.seen


async def drained(chunks: Any) -> None:
    async for _ in chunks:
        pass


@pytest.mark.parametrize("part", ["\n", "\r", "\0", "\x1b[0m", "–"])
async def test_a_kubeconfig_that_can_t_be_sent_is_refused_without_a_word_of_it(
    tmp_path: Path, part: str
) -> None:
    bad = f"{HEAD}{part}{TAIL}"
    (tmp_path / "token").write_text(bad)
    (tmp_path / "plugin").write_text(
        f"#!/bin/sh\ncat <<'END'\n{json.dumps({'status': {'token': bad}})}\nEND\n"
    )
    (tmp_path / "plugin").chmod(0o755)
    users = [{"token": bad}, {"tokenFile": "token"}, {"exec": {"command": "./plugin"}}]
    if part != "–":
        users += [
            {"token": "t", "as": bad},
            {"token": "t", "as-groups": [bad]},
        ]
    for user in users:
        with pytest.raises(UserError) as caught:
            await flatten(kubeconfig(tmp_path, user))
        line = str(caught.value)
        assert " holds a " in line
        assert line.isprintable()
        assert str(tmp_path) in line
        for half in (HEAD, TAIL):
            assert shown(line.encode(), half) == []
        assert "exec" not in user or "plugin" in line


async def test_the_login_in_an_address_stays_for_the_suite_and_is_not_shown(tmp_path: Path) -> None:
    flat = await flatten(kubeconfig(tmp_path, {}, f"https://someone:{CANARY}@api.test:6443"))
    assert CANARY.encode() in flat.data
    assert flat.credentials.server == "https://api.test:6443"
    assert CANARY not in repr(flat)
    assert unnumbered(redact(f"at https://someone:{CANARY}@api.test")) == "at https://***@api.test"
    for server in (f"https://someone:{HEAD}/{TAIL}@api.test", f"https://someone:{HEAD}\n{TAIL}@api.test"):
        with pytest.raises(UserError) as caught:
            await flatten(kubeconfig(tmp_path, {}, server))
        assert shown(str(caught.value).encode(), HEAD) == []


async def test_the_token_of_the_file_wins_as_in_the_cluster_s_client(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\ufeffthe-token-of-the-file\n")
    flat = await flatten(kubeconfig(tmp_path, {"token": "an-older-one", "tokenFile": "token"}))
    assert json.loads(flat.data)["users"][0]["user"] == {"token": "the-token-of-the-file"}


@pytest.mark.parametrize("part", ["\n", "\r", "\0", "\x1b[0m"])
def test_a_pull_secret_that_can_t_be_sent_says_why_and_skips_qa(tmp_path: Path, part: str) -> None:
    login = f"{HEAD}{part}{TAIL}:word"
    packed = base64.b64encode(login.encode()).decode()
    entries = {"auth": packed}, {"username": login.partition(":")[0], "password": "word"}
    for text in (packed, *(json.dumps({"auths": {"quay.io": entry}}) for entry in entries)):
        with pytest.raises(UserError) as caught:
            parse(Secret(text)).checked()
        skip = skip_reason(kubeconfig=str(tmp_path), pull_secret=Secret(text), podman=None)
        assert skip is not None
        for line in (str(caught.value), skip.message, skip.fix):
            assert shown(line.encode(), HEAD) == []
            assert shown(line.encode(), TAIL) == []
        assert "pull secret" in skip.message
        assert "the user name holds a " in skip.message


@pytest.mark.parametrize("part", ["\n", "\t", "\0", "\n  "])
async def test_passwords_of_any_characters_are_taken_and_taught(tmp_path: Path, part: str) -> None:
    password = f"{HEAD}{part}{TAIL}"
    packed = base64.b64encode(f"_json_key:{password}".encode()).decode()
    entries = {"auth": packed}, {"username": "_json_key", "password": password}
    for text in (packed, *(json.dumps({"auths": {"quay.io": entry}}) for entry in entries)):
        found = parse(Secret(text), login_host="quay.io").for_host("quay.io")
        assert found is not None
        assert found.reveal() == packed
        assert unnumbered(Redactor()(f"{HEAD} of {packed}")) == "*** of ***"
    flat = await flatten(kubeconfig(tmp_path, {"username": "u", "password": password}))
    assert json.loads(flat.data)["users"][0]["user"]["password"] == password


def test_an_outcome_holds_no_secret_that_was_taught() -> None:
    teach(CANARY)
    outcome = QaOutcome(code="QA_ERROR:X", message=f"said {CANARY}", fix=CANARY)
    assert [unnumbered(text) for text in (outcome.message, outcome.fix)] == ["said ***", "***"]


def test_an_error_of_the_library_is_told_by_its_kind() -> None:
    words = f"Illegal header value b'Bearer {CANARY}'"
    pool = urllib3.HTTPConnectionPool("api.test")
    errors: tuple[Exception, ...] = (
        urllib3.exceptions.ProtocolError(words),
        urllib3.exceptions.ProxyError(words, OSError(words)),
        urllib3.exceptions.ReadTimeoutError(pool, "/", words),
        urllib3.exceptions.LocationParseError(words),
        ssl.SSLError(words),
        ValueError(words),
    )
    told = {str(unreachable(error, "https://api.test")) for error in errors}
    assert len(told) == 6
    assert not any("CANARY" in line for line in told)
