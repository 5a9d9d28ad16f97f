"""What a header can carry, addresses without their login, and what is told of a fault of ours."""

from __future__ import annotations

import base64
import json
import re
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.core.crash import frames, kind
from modelcar_tui.core.credentials import (
    address_fault,
    header_fault,
    login_in,
    teach_environment,
    teach_login,
    teach_user,
    token_fault,
    user_fault,
    without_login,
)
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.secrets import (
    Redactor,
    quoted,
    redact,
    teach,
    teach_lines,
    teach_passing,
    teach_refused,
)
from support.masks import unnumbered

VALUE = "hunter2-hunter2-hunter2"
anything = st.text(st.characters() | st.sampled_from("\n\r\0\x85\u2028"), max_size=30)


class Silent(HTTPConnection):
    """Puts headers together and sends nothing."""

    def connect(self) -> None: ...

    def send(self, data: object) -> None: ...


@given(anything)
def test_what_passes_can_be_sent_by_the_library_and_what_does_not_is_not_quoted(text: str) -> None:
    for fault, sent in ((header_fault(text), text), (token_fault(text), f"Bearer {text}")):
        if fault:
            assert fault.startswith("holds a ")
            continue
        connection = Silent("127.0.0.1", 1)
        connection.putrequest("GET", "/")
        connection.putheader("X", sent.encode().decode("latin-1"))
        connection.endheaders()


@given(anything)
def test_a_token_that_passes_is_ascii_without_control_characters(text: str) -> None:
    assert token_fault(text) or text.encode("ascii").translate(None, b"\t\r\n\v\f\0") == text.encode()


def test_a_byte_order_mark_in_a_token_is_named() -> None:
    assert token_fault("\ufeffabc").startswith("begins with a byte order mark")


def test_a_fault_of_a_user_names_the_entry_and_not_the_value() -> None:
    assert user_fault({"token": f"{VALUE}\nx"}) == "the token holds a line break (pasted over two lines?)"
    assert user_fault({"as": f"{VALUE}\x01"}) == "the user in `as` holds a control character"
    assert user_fault({"token": [VALUE]}) == "the token is no text"
    assert (
        user_fault({"username": "jürgen", "password": "pässword", "as": "Ελένη", "token": f" {VALUE}\n"})
        == ""
    )
    assert user_fault({"username": "u", "password": "a\nb\0"}) == ""
    assert user_fault({"username": "u", "password": "\ud800"}).startswith(
        "the password holds a character that is none"
    )
    assert user_fault({}) == ""


@pytest.mark.parametrize(
    ("address", "bare", "login"),
    [
        ("https://u:p@api.test:6443/x", "https://api.test:6443/x", ("u", "p")),
        ("http://a%40b:p%2Fw@h", "http://h", ("a@b", "p/w")),
        ("http://u:a@b@h", "http://h", ("u", "a@b")),
        ("https://token@h/", "https://h/", ("token", "")),
        ("socks5://u:p@h:1080", "socks5://h:1080", ("u", "p")),
        ("u:p@proxy:3128", "proxy:3128", ("u", "p")),
        ("https://api.test/@x", "https://api.test/@x", None),
        ("https://[::1]:6443", "https://[::1]:6443", None),
        ("", "", None),
    ],
)
def test_the_login_of_an_address_is_cut(address: str, bare: str, login: tuple[str, str] | None) -> None:
    assert without_login(address) == bare
    assert login_in(address) == login


@given(
    user=st.text(min_size=1, max_size=20),
    password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_no_login_survives_the_cut(user: str, password: str) -> None:
    address = (
        f"https://{quote(user, safe='', errors='replace')}:{quote(password, safe='')}@api.test:6443/a?b=c"
    )
    assert without_login(address) == "https://api.test:6443/a?b=c"
    assert login_in(address)[1] == password


@given(st.text(st.sampled_from("aZ0:/@?#[]%. \n\r\t\0é"), max_size=20))
def test_an_address_that_passes_is_one(text: str) -> None:
    address = f"https://{text}"
    if fault := address_fault(address):
        assert not text.strip(" aZ0:/") or text not in fault
        return
    parts = urlsplit(address)
    assert parts.hostname
    assert parts.port != 0
    assert "@" not in urlsplit(without_login(address)).netloc


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://gw/t/me@corp", True),
        ("https://gw:6443/t/me@corp/api", True),
        ("https://[::1]/me@corp", True),
        ("https://h/?x=a@b", True),
        ("https://me:12/pass@h", False),
        ("https://me:12/pa/ss@h:6443", False),
        ("https://me:pa/ss@h", False),
        ("https://token/x@h:6443", False),
    ],
)
def test_a_path_may_hold_an_at_sign_and_a_password_no_slash(address: str, good: bool) -> None:
    assert (address_fault(address) == "") is good


def test_what_is_taught_is_in_no_problem_and_passes_no_redactor() -> None:
    older = Redactor()
    teach(VALUE, None, "")
    problem = Problem(what=f"sent {VALUE}", where=f"https://{VALUE.upper()}/", fix=f"not {VALUE}")
    assert unnumbered(str(problem)) == "https://***/: sent ***; not ***"
    assert unnumbered(msgspec.json.decode(json.dumps({"what": VALUE}), type=Problem).what) == "***"
    assert unnumbered(redact(VALUE)) == "***"
    assert redact(VALUE) == older(VALUE) == Redactor()(VALUE)


def test_every_form_of_what_is_taught_is_found() -> None:
    odd = 'a"b/c+d=e f-and-more'
    teach(odd)
    for form in (odd, json.dumps({"token": odd}), quote(odd, safe=""), odd.upper()):
        assert "***" in unnumbered(redact(form))
    for lead in ("", "x", "xy"):
        for pack in (base64.b64encode, base64.urlsafe_b64encode):
            packed = pack(f"{lead}Bearer {VALUE}?>~".encode()).decode()
            teach(f"{VALUE}?>~")
            assert packed[20:-8] not in redact(packed)


def test_a_longer_secret_goes_first_whoever_was_told_of_it() -> None:
    redactor = Redactor()
    redactor.add("secret")
    teach("secretsecretsecret")
    assert unnumbered(redactor("secretsecretsecret")) == "***"


def test_words_of_others_are_redacted_before_they_are_cut_and_once_they_are_clean() -> None:
    teach(VALUE)
    assert unnumbered(quoted(f"{'x' * 10} {VALUE}", limit=30)) == f"{'x' * 10} ***"
    assert unnumbered(quoted(f"{VALUE[:9]}\x1b[31m{VALUE[9:]}")) == "***"
    assert re.fullmatch(r"\*secret-\d+\*? ?\*?…", quoted(f"{VALUE} ".encode() * 10_000, limit=11))
    assert quoted(b"\xff\n\x1b]0;title\x07 b") == "\ufffd\ufffd b"


@given(before=st.text(max_size=400), after=st.text(max_size=50), limit=st.integers(2, 60))
def test_no_beginning_of_a_secret_is_left_by_a_cut(before: str, after: str, limit: int) -> None:
    teach(VALUE)
    text = quoted(f"{before}{VALUE}{after}", limit=limit)
    assert len(text) <= limit
    assert VALUE[:6] not in text


def test_a_key_is_found_line_by_line() -> None:
    body = base64.b64encode(bytes(range(150))).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    teach_lines("\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""]))
    assert unnumbered(redact(f"log: {lines[1]}")) == "log: ***"
    assert redact("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_of_passing_tokens_the_newest_are_known() -> None:
    for number in range(300):
        teach_passing(f"passing-token-{number:04}")
    assert unnumbered(redact("passing-token-0299 passing-token-0000")) == "*** passing-token-0000"


def test_a_refused_credential_is_known_by_its_parts() -> None:
    teach_refused("first-half-of-it\nsecond-half-of-it")
    told = redact(r"Invalid header value b'Bearer first-half-of-it\nsecond-half-of-it'")
    assert unnumbered(told).endswith("b'Bearer ***'")
    assert unnumbered(redact("first-half-of-it and second-half-of-it")) == "*** and ***"


def test_logins_of_proxies_and_users_are_taught() -> None:
    teach_environment({"HTTPS_PROXY": "http://me:p%40ssw0rd-1@proxy", "OPENAI_API_KEY": "sk-of-the-test"})
    teach_login("socks5://me:s0cks-word@proxy")
    env = [
        {"name": "AWS_PROFILE", "value": "ordinary-profile"},
        {"name": "CLIENT_SECRET", "value": "of-the-plug-in"},
    ]
    config = {
        "refresh-token": "refresh-of-mine",
        "client-id": "ordinary-client",
        "cmd-path": "/usr/bin/gcloud",
    }
    teach_user({"exec": {"env": env}, "auth-provider": {"config": config}})
    told = "p@ssw0rd-1 p%40ssw0rd-1 sk-of-the-test s0cks-word of-the-plug-in refresh-of-mine"
    assert unnumbered(redact(told)) == "*** *** *** *** *** ***"
    assert redact("ordinary-profile ordinary-client /usr/bin/gcloud") == (
        "ordinary-profile ordinary-client /usr/bin/gcloud"
    )


def test_a_fault_is_told_by_kind_and_place_without_its_text() -> None:
    def fail() -> None:
        try:
            raise ValueError(f"Invalid header value b'Bearer {name}'")
        except ValueError as error:
            raise ExceptionGroup(f"all of {name}", [KeyError(name), OSError(28, name)]) from error

    name = "".join(reversed(VALUE))
    with pytest.raises(ExceptionGroup) as caught:
        fail()
    error = caught.value
    error.add_note(name)
    assert kind(error).startswith("ExceptionGroup in test_core_credentials.py, line ")
    assert "(No space left on device)" in kind(OSError(28, name))
    kept = frames(error)
    for part in ("ValueError", "ExceptionGroup", "KeyError", "OSError", "test_core_credentials.py"):
        assert part in kept
    assert name not in kept + kind(error)
