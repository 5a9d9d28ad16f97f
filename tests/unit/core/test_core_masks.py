"""What looks like a credential in others' words is masked, though nobody taught it; ordinary words stay."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.core.masks import masked
from modelcar_tui.core.secrets import quoted, teach
from support.masks import unnumbered

UNTAUGHT = "Untaught0001/of+a~plug-in=="
tokens = st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9._~+/-]{4,40}[0-9][A-Za-z0-9._~+/-]{4,40}={0,2}", fullmatch=True
)


def slashed(text: str) -> str:
    return json.dumps(text)[1:-1].replace("/", "\\/")


def escaped(text: str) -> str:
    return text.replace("+", "&#43;").replace("=", "&#61;").replace("/", "&#x2F;")


SPELLINGS = {
    "as it is": str,
    "in a URL": lambda text: quote(text, safe=""),
    "in HTML": escaped,
    "in PHP's JSON": slashed,
    "twice in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "in capitals": str.upper,
    "over lines": lambda text: text[:-12] + "\n" + text[-12:],
    "cut": lambda text: text[:-12] + "...",
    "between words": lambda text: f"sent {text}, which is wrong",
    "in JSON": lambda text: json.dumps({"a": [text]}),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize(
    "head", ["Bearer ", "bearer ", "Basic ", "Authorization: ", "authorization: Bearer "]
)
def test_the_word_behind_a_scheme_is_masked_however_it_is_spelled(head: str, spell) -> None:
    said = quoted(spell(head + UNTAUGHT))
    assert "***" in unnumbered(said)
    for part in ("untaught0001", "plug-in"):
        assert part not in said.lower()


@given(
    token=tokens, scheme=st.sampled_from(["Bearer", "BEARER", "x-auth-token:", "Proxy-Authorization: Token"])
)
def test_no_token_behind_a_scheme_survives(token: str, scheme: str) -> None:
    said = quoted(f"the server got {scheme} {token} and did not like it")
    assert unnumbered(said) == f"the server got {scheme} *** and did not like it"


@pytest.mark.parametrize("lead", ["", "x", "xy", "Authorization: "])
@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_base64_of_a_header_is_masked(lead: str, scheme: str) -> None:
    packed = base64.b64encode(f"{lead}{scheme} {UNTAUGHT}".encode()).decode()
    said = masked(f"got {packed} from you")
    assert unnumbered(said).endswith("*** from you")
    assert packed[-24:] not in said


@pytest.mark.parametrize(
    "token",
    [
        "sha256~AbCdEfGhIjKl_-",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
        "k8s-aws-v1.aHR0cHM",
        "ya29.aBcDeFg",
    ],
)
def test_tokens_that_begin_as_tokens_do_are_masked_wherever_they_stand(token: str) -> None:
    assert unnumbered(masked(f'the token "{token}" is stale')) == 'the token "***" is stale'


def test_a_login_in_an_address_is_masked() -> None:
    said = masked("proxyconnect: http://me:pa@ss1@proxy:3128: no")
    assert unnumbered(said) == "proxyconnect: http://***@proxy:3128: no"


@pytest.mark.parametrize(
    "words",
    [
        "bearer token is missing",
        "invalid bearer token, token lookup failed",
        "Basic authentication is required",
        'Bearer realm="https://auth.test/token",service="registry"',
        "the authorization header is missing",
        "authorization: denied",
        "cannot negotiate TLS1.2 with it",
        "a basic model-serving test",
        'nodes is forbidden: User "u" cannot list resource "nodes" in API group "" at the cluster scope: '
        'RBAC: clusterrole.rbac.authorization.k8s.io "x" not found',
        "https://registry.test:5000/v2/a/b@sha256:0123456789abcdef: no such thing",
    ],
)
def test_ordinary_words_stay(words: str) -> None:
    assert quoted(words) == words


@pytest.mark.parametrize(
    "words",
    [
        "dial tcp: lookup sts.us-east-1.amazonaws.com on 10.0.0.2:53: no such host",
        "open /home/me/.aws/sso/cache/0123456789abcdef.json: no such file",
        "open ~/.kube/cache/oidc-login/0123456789abcdef: no such file",
        "no kind ExecCredential in client.authentication.k8s.io/v1alpha1",
        "antidisestablishmentarianism",
    ],
)
def test_what_a_plug_in_says_stays_readable(words: str) -> None:
    assert quoted(words, of_plugin=True) == words


def test_a_long_word_of_a_plug_in_that_may_be_a_token_is_masked() -> None:
    assert unnumbered(quoted(f"refused {UNTAUGHT}: expired", of_plugin=True)) == "refused ***: expired"
    assert quoted(f"refused {UNTAUGHT}: expired") == f"refused {UNTAUGHT}: expired"


def test_what_is_taught_is_found_as_html_and_json_escape_it() -> None:
    taught = "taught/of+the<server>&me"
    teach(taught)
    for form in (html.escape(taught), slashed(taught), escaped(taught), taught.replace("/", "\\u002f")):
        assert unnumbered(quoted(f"no such user: {form}")) == "no such user: ***"
    assert quoted("a &lt;b&gt; and C:\\/x") == "a &lt;b&gt; and C:\\/x"


HOSTILE = [
    "a" * 10**6,
    "Bearer " * 150_000,
    "bearer token " * 80_000,
    "Bearer" + "\\u0020" * 150_000,
    "://a:" * 200_000,
    "://" + "a" * 10**6,
    "a." * 500_000,
    "eyJ" * 300_000,
    "authorization: a " * 60_000,
    "a-" * 500_000,
]


@pytest.mark.parametrize("words", HOSTILE, ids=[words[:14].strip() for words in HOSTILE])
def test_a_megabyte_of_hostile_words_takes_no_minute(words: str) -> None:
    before = time.process_time()
    quoted(words, of_plugin=True)
    assert time.process_time() - before < 5


@given(st.text(max_size=300))
def test_any_text_is_masked_without_an_error(text: str) -> None:
    assert isinstance(quoted(text, of_plugin=True), str)
