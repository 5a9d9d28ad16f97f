"""Secrets that nobody taught, by their shape: where a value stands, how it begins, how it is wrapped.

Sources of the beginnings: the issuers' own documents (GitHub, GitLab, Hugging Face, OpenAI, AWS, Google,
NVIDIA NGC, Slack, npm, PyPI, Docker, Databricks, HashiCorp, Atlassian, Stripe, Square, Twilio and others).
Tests hold the whole against the patterns of detect-secrets.
"""

from __future__ import annotations

import re

from modelcar_tui.core.hints import may_begin_secret
from modelcar_tui.core.names import NAME_PARTS, Kind, kind_in_query, kind_of
from modelcar_tui.core.numbers import MASKED, is_mask, mask_of

_PEM = re.compile(
    r"(?P<head>-----BEGIN [A-Z0-9 ]{1,40}-----)(?P<body>(?:[^-]|-(?!----)){1,40000})"
    r"(?P<foot>-----END [A-Z0-9 ]{1,40}-----)?"
)
_USERINFO = re.compile(
    r"(?P<scheme>(?:(?<![a-z0-9])[a-z][a-z0-9+.-]{0,20})?)://(?P<login>[^\s/?#\"'`<>\\]{1,2000})@",
    re.IGNORECASE,
)
_BARE_LOGIN = re.compile(
    r"(?<![\w/@:.%+*-])(?P<login>[\w.%+-]{1,64}:[^\s/@:\"'`<>,()\[\]{}]{3,200})@(?!sha\d{3}:)"
    r"(?=(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}(?![\w-])|[a-z0-9-]{1,63}:\d|localhost)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(r"(?P<head>[?&#;](?P<name>[\w.%-]{1,80})=)(?P<value>[^\s&#;\"'`<>\\]{1,4000})")
_TELLS = re.compile(NAME_PARTS, re.IGNORECASE)
_MOST_NAME = 60
_BEHIND = re.compile(
    r"[\w.-]{0,30}"
    r"(?:(?P<gap>\\{0,4}[\"']?\]?\s{0,20}(?:=>|:=|::|[:=])\s{0,20})|(?P<flag>\s{1,3}|[\"']\s{0,3},?\s{0,3}(?=[\"'])))"
    r"(?P<open>(?:[\[(]\s*)?)"
    r"(?:[bru]?(?P<quote>\\{0,4}[\"'])(?P<quoted>(?:(?!(?P=quote)).){1,8000}?)(?P=quote)|[\"']?(?P<bare>[^\s,;\"'`&)}\]\[({<>\\]{1,8000}))",
    re.DOTALL,
)
"""What follows the telling part of a name: its rest, an assignment or a flag's blank, and the value."""
_MORE = re.compile(
    r"\s*,\s*(?P<quote>\\{0,4}[\"'])(?P<quoted>(?:(?!(?P=quote)).){1,8000}?)(?P=quote)", re.DOTALL
)
"""Another item of a list whose first one was a secret."""
_BEGINNINGS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|rk)[-_](?=[\w-]{0,40}[0-9A-Z])[\w-]{8,200}"
    r"|hf_(?=[A-Za-z]{0,200}[0-9A-Z])[A-Za-z0-9]{8,200}"
    r"|gh[pousr]_\w{16,255}|github_pat_\w{20,255}"
    r"|gl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|oas|agent)-[\w.-]{16,1100}|GR1348941[\w-]{16,60}"
    r"|nvapi-[\w-]{16,200}|gsk_[A-Za-z0-9]{16,200}|xai-[A-Za-z0-9]{16,200}|r8_[A-Za-z0-9]{30,60}"
    r"|(?i:xox[a-z])-[A-Za-z0-9-]{3,250}|npm_[A-Za-z0-9]{30,200}|pypi-AgE[\w-]{30,300}"
    r"|dapi[0-9a-f]{32}(?:-\d)?|dckr_[po]at_[\w-]{16,200}|hv[sbr]\.[\w-]{20,300}"
    r"|(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|AIza[\w-]{30,60}|GOCSPX-[\w-]{20,60}|ya29\.[\w.-]{6,600}|ATATT[\w=-]{20,300}"
    r"|SG\.[\w-]{16,64}\.[\w-]{16,64}|sq0csp-[\w\\-]{40,60}|[0-9a-z]{32}-us\d{1,2}"
    r"|(?:AC|SK)[a-f0-9]{32}"
    r"|sha256~[\w-]{6,200}|k8s-aws-v1\.[\w-]{6,2000}|eyJ[\w=-]{6,8000}(?:\.[\w+/=-]{0,8000}){0,4}"
    r")|(?<=hooks\.slack\.com/services/)[\w/-]{3,200}"
)
_PLACEHOLDER = re.compile(
    r"(?i:none|null|nil|true|false|undefined|unset|empty|redacted|hidden|masked|required|optional|string|str|bytes)"
    r"|[.…xX*•]+|<[^>]*>?|\$\(.*|\$\{.*|\$\w*|%\(?\w*\)?s?|\{+[^}]*\}*|SecretStr\(.*"
    r"|(?i:your)[-_ ].*"
    r"|(?:IMAGE|TOKEN|KEY|PASSWORD|SECRET|VALUE|NAME|[A-Z]+(?:_[A-Z]+)+)",
    re.DOTALL,
)
_LIKE_A_WORD = re.compile(r"[A-Za-z]{1,20}[.,:;!?)\]}…]*")
_NUMBER = re.compile(r"[-+]?[\d_.,]{1,20}(?:[eE][-+]?\d+)?[KMGTkmgt]?i?B?|0x[0-9a-fA-F]+")
_SMALL = re.compile(r"-?\d{1,5}")
"""A number that counts or measures; no password is as short."""
_PATH = re.compile(r"(?:~|\.{1,2})?/.*|[A-Za-z]:\\.*|(?:[\w.-]+/)+[\w.-]+\.[A-Za-z]{2,5}", re.DOTALL)
_LABEL = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[\w.-]*)?|<?\|.*\|>?|\[?/?[A-Z]{2,8}\]?", re.DOTALL)
"""A host, a label of Kubernetes, a special token of a model."""
_PLAIN_USERS = ("ssh", "git", "sftp", "scp", "git+ssh", "ssh+git", "svn+ssh", "rsync")


def without_shapes(text: str) -> str:
    """`text` with a mask for each secret that its place or its beginning gives away.

    Masked are the bodies of PEM blocks, logins in addresses, token-like parameters of addresses, values
    behind names of secrets (`core.names`) as JSON, YAML, Python, shells and command lines write them, and
    tokens with the beginning of their issuer. Masks and placeholders (`$(NAME)`, `<token>`, `***`) stay.
    """
    text = _PEM.sub(_pem, text)
    if "@" in text:
        text = _USERINFO.sub(_userinfo, text)
        text = _BARE_LOGIN.sub(lambda found: f"{mask_of(found['login'])}@", text)
    text = _PARAMETER.sub(_parameter, text)
    text = _named(text)
    return _BEGINNINGS.sub(lambda found: mask_of(found[0]), text) if may_begin_secret(text) else text


def mask_value(name: str, value: str) -> str:
    """A value that stands behind a name, or its mask; inside a value without a name of a secret, shapes are
    masked."""
    if is_secret_value(kind_of(name), value):
        return mask_of(value)
    return without_shapes(value)


def is_secret_value(kind: Kind, value: str) -> bool:
    """Whether a value is to be masked, by what its name says."""
    if kind is Kind.NONE or not value.strip() or _PLACEHOLDER.fullmatch(value.strip()) or is_mask(value):
        return False
    return unlike_ordinary(value) or (kind is Kind.SURE and not _SMALL.fullmatch(value))


def unlike_ordinary(value: str) -> bool:
    """Whether a value is no word, number, path, host or label, and so may be a credential."""
    if any(shape.fullmatch(value) for shape in (_LIKE_A_WORD, _NUMBER, _PATH, _LABEL)):
        return False
    telling = re.search(r"\d|[a-z][A-Z]", value) is not None or len(value) > 20
    return telling and len(value) >= 6 and not any(map(str.isspace, value.strip()))


def _pem(found: re.Match[str]) -> str:
    body = found["body"]
    if not body.strip(" \r\n\t\\nr") or MASKED.search(body):
        return found[0]
    lines = body.count("\n")
    return f"{found['head']}{mask_of(body.strip())}" + "\n" * lines + (found["foot"] or "")


def _userinfo(found: re.Match[str]) -> str:
    login = found["login"]
    plain = ":" not in login and found["scheme"].lower() in _PLAIN_USERS
    if plain or _PLACEHOLDER.fullmatch(login.partition(":")[2] or login):
        return found[0]
    return f"{found['scheme']}://{mask_of(login)}@"


def _parameter(found: re.Match[str]) -> str:
    kind = kind_in_query(found["name"])
    hidden = is_secret_value(kind, found["value"])
    return found["head"] + (mask_of(found["value"]) if hidden else found["value"])


def _named(text: str) -> str:
    """Values behind names: `name=value`, `"name": "value"`, `--name value`, `name=["value", "value"]`."""
    out: list[str] = []
    done = 0
    for tells in _TELLS.finditer(text):
        if tells.start() < done or (found := _BEHIND.match(text, tells.end())) is None:
            continue
        group = "quoted" if found["quoted"] is not None else "bare"
        if not is_secret_value(_sure_of(text, tells.start(), found), found[group]):
            continue
        out += (text[done : found.start(group)], mask_of(found[group]))
        done = found.end(group)
        if found["open"]:
            done = _rest_of_list(text, found.end(), out, done)
    return "".join([*out, text[done:]])


def _sure_of(text: str, at: int, found: re.Match[str]) -> Kind:
    """How sure the name is whose telling part begins at `at`: in a sentence (`password: wrong`, `--api-key
    tells a secret`) less than in an assignment; behind a blank only where it is a flag."""
    start = at
    while start > max(0, at - _MOST_NAME) and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
        start -= 1
    name = text[start : found.start("gap" if found["gap"] else "flag")]
    kind = kind_of(name)
    if found["gap"] is None and not name.startswith("-"):
        return Kind.NONE
    said = found["quoted"] is None and (found["gap"] or " ").endswith(" ")
    return min(kind, Kind.MAYBE) if said else kind


def _rest_of_list(text: str, at: int, out: list[str], done: int) -> int:
    while (more := _MORE.match(text, at)) is not None:
        out.append(text[done : more.start("quoted")])
        out.append(mask_of(more["quoted"]))
        done, at = more.end("quoted"), more.end()
    return done
