"""A registry login that can't be sent is refused without a word of it; one that is repeated is shown
nowhere."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest

from modelcar_tui.core.secrets import Redactor, redact
from modelcar_tui.image.inspect import inspect_image
from modelcar_tui.image.registry import client
from support.echo_server import ECHOES, answer, echo_server, shown
from support.masks import unnumbered

PASSWORD = "CANARYaaaa0001bbbb0002cccc0003"
TOKEN = "CANARYtoken0005dddd0006eeee0007"
HEAD, TAIL = "CANARYaaaa0001", "bbbbCANARY0002"


def packed(login):
    return base64.b64encode(login.encode()).decode()


@pytest.fixture
def ask(tmp_path, options):
    """Inspects an image of a registry without TLS, with an entry of an auth file."""

    async def inspect(host, entry, **more):
        (tmp_path / "auth.json").write_text(json.dumps({"auths": {host: entry}}))
        (tmp_path / "registries.conf").write_text(f'[[registry]]\nlocation="{host}"\ninsecure=true\n')
        told = {"registries_conf": str(tmp_path / "registries.conf"), "authfile": str(tmp_path / "auth.json")}
        return await inspect_image(f"oci://{host}/a/foo-7b:1", options=options(**(told | more)))

    return inspect


@pytest.mark.parametrize("echo", sorted(ECHOES))
@pytest.mark.parametrize("challenge", ["basic", "bearer"])
async def test_a_login_that_a_registry_repeats_is_in_no_fact(ask, echo, challenge, monkeypatch):
    monkeypatch.setattr(client, "_LONGEST_WAIT_S", 0.01)
    with echo_server(echo, challenge=challenge, token=TOKEN) as server:
        facts = await ask(server.host, {"auth": packed(f"someone:{PASSWORD}")})
    assert f"Basic {packed(f'someone:{PASSWORD}')}" in server.seen
    assert challenge == "basic" or f"Bearer {TOKEN}" in server.seen
    for canary in (PASSWORD, TOKEN):
        assert shown(msgspec.json.encode(facts), canary) == []
    assert packed(f"someone:{PASSWORD}").encode() not in msgspec.json.encode(facts)


@pytest.mark.real
@pytest.mark.parametrize("echo", ["json-403", "plain", "cut", "base64", "header", "redirect", "status-line"])
@pytest.mark.parametrize("challenge", ["basic", "bearer"])
async def test_a_login_that_skopeo_quotes_is_in_no_fact(ask, echo, challenge):
    with echo_server(echo, challenge=challenge, token=TOKEN) as server:
        facts = await ask(server.host, {"auth": packed(f"someone:{PASSWORD}")}, use_skopeo=True)
    for canary in (PASSWORD, TOKEN):
        assert shown(msgspec.json.encode(facts), canary) == []
    assert packed(f"someone:{PASSWORD}").encode() not in msgspec.json.encode(facts)


BAD = {"line feed": "\n", "carriage return": "\r", "nul": "\0", "escape": "\x1b[0m", "next line": "\x85"}


def entries(part):
    bad = f"{HEAD}{part}{TAIL}"
    return [
        {"auth": packed(f"{bad}:word")},
        {"username": bad, "password": "word"},
        {"auth": packed("someone:x"), "identitytoken": bad},
    ]


@pytest.mark.parametrize("part", BAD.values(), ids=BAD)
async def test_a_login_that_no_header_can_carry_is_refused_in_one_line_without_it(ask, tmp_path, part):
    for entry in entries(part):
        with echo_server("json-403", challenge="basic") as server:
            facts = await ask(server.host, entry)
        assert server.seen == []
        problem = facts.problems[0]
        assert problem.code == "auth-file"
        assert problem.where == str(tmp_path / "auth.json")
        assert "holds a" in problem.what
        assert f"skopeo login {server.host}" in problem.fix
        assert str(problem).isprintable()
        for half in (HEAD, TAIL):
            assert shown(msgspec.json.encode(facts), half) == []


ACCOUNT = {"type": "service_account", "private_key": f"-----BEGIN-----\n{HEAD}\n{TAIL}\n-----END-----\n"}
PASSWORDS = {
    "key of a service account": json.dumps(ACCOUNT, indent=2),
    "tab": f"{HEAD}\t{TAIL}",
    "nul": f"{HEAD}\0{TAIL}",
    "line feed": f"{HEAD}\n{TAIL}",
}


@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
@pytest.mark.parametrize("challenge", ["basic", "bearer"])
async def test_a_password_of_any_characters_is_sent_and_in_no_fact(ask, challenge, password):
    for entry in ({"auth": packed(f"_json_key:{password}")}, {"username": "_json_key", "password": password}):
        with echo_server("plain", challenge=challenge, token=TOKEN) as server:
            facts = await ask(server.host, entry)
        assert server.seen[0] == f"Basic {packed(f'_json_key:{password}')}"
        for half in (HEAD, TAIL):
            assert shown(msgspec.json.encode(facts), half) == []
            assert half not in redact(f"whoever quotes {half}")


async def test_an_identity_token_is_ascii(ask):
    for part in ("–", "\t"):
        with echo_server("json-403", challenge="bearer", token=TOKEN) as server:
            facts = await ask(server.host, {"identitytoken": f"{HEAD}{part}{TAIL}"})
        assert facts.problems[0].code == "auth-file"
        assert shown(msgspec.json.encode(facts), HEAD) == []


async def test_a_line_end_that_was_packed_too_is_no_fault(ask):
    with echo_server("json-404", challenge="basic") as server:
        await ask(server.host, {"auth": packed(f"someone:{PASSWORD}\n")})
    assert server.seen[0] == f"Basic {packed(f'someone:{PASSWORD}')}"


@pytest.mark.parametrize("token", [f"{HEAD}\n{TAIL}", f"{HEAD}\x7f{TAIL}", f"{HEAD}–{TAIL}"])
async def test_a_token_that_a_token_service_can_t_mean_is_refused_without_it(ask, token):
    with echo_server("json-403", challenge="bearer", token=token) as server:
        facts = await ask(server.host, {"auth": packed(f"someone:{PASSWORD}")})
    assert "the token of its token service holds a" in facts.problems[0].what
    assert shown(msgspec.json.encode(facts), HEAD) == []


async def test_the_pull_secret_is_named_by_its_variable(ask, monkeypatch):
    with echo_server("json-403", challenge="basic") as server:
        auths = {"auths": {server.host: {"auth": packed(f"{HEAD}\n{TAIL}:word")}}}
        monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", json.dumps(auths))
        facts = await ask(server.host, {}, authfile=None)
    assert facts.problems[0].where == "OCI_REGISTRY_PULL_SECRET"
    assert "the user name holds a line break" in facts.problems[0].what
    assert shown(msgspec.json.encode(facts), HEAD) == []


async def test_a_credential_helper_s_answer_is_checked_and_taught(ask, tmp_path, monkeypatch):
    program = tmp_path / "docker-credential-mine"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    broken = f"{HEAD}\\n{TAIL}"
    for user, secret, good in (
        ("<token>", broken, False),
        ("someone", broken, True),
        ("someone", PASSWORD, True),
    ):
        program.write_text(f'#!/bin/sh\ncat <<\'END\'\n{{"Username":"{user}","Secret":"{secret}"}}\nEND\n')
        program.chmod(0o755)
        with echo_server("json-403", challenge="basic") as server:
            (tmp_path / "own.json").write_text(json.dumps({"credHelpers": {server.host: "mine"}}))
            facts = await ask(server.host, {}, authfile=str(tmp_path / "own.json"))
        assert bool(server.seen) is good
        assert good or "the identity token holds a line break" in facts.problems[0].what
        assert shown(msgspec.json.encode(facts), HEAD) == []
    assert unnumbered(redact(PASSWORD)) == "***"
    assert redact(PASSWORD) == Redactor()(PASSWORD)


async def test_a_challenge_of_bytes_that_are_no_text_is_that_image_s_fault(ask, monkeypatch):
    for char in ("\x9b", "\xff"):
        challenge = f'Bearer realm="http://127.0.0.1:1/{char}",service="{char}"'
        monkeypatch.setitem(ECHOES, "odd", lambda _, said=challenge: answer("401 X", WWW_Authenticate=said))
        with echo_server("odd") as server:
            facts = await ask(server.host, {})
        assert facts.problems
        assert all(str(problem).isprintable() for problem in facts.problems)
