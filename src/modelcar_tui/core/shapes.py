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
    r"(?P<scheme>(?:(?<![a-z0-9])[a-z][a-z0-9+.-]{0,20})?):(?P<slashes>(?:\\{0,4}/){2}|/(?=[^\s/:@]{1,200}:[^\s/@]{1,500}@))(?P<login>[^\s/?#\"'`<>\\]{1,2000})@",
    re.IGNORECASE,
)
_BARE_LOGIN = re.compile(
    r"(?<![\w/@:.%+*-])(?P<login>[a-z][\w.%+-]{0,63}:[^\s/@:\"'`<>,()\[\]{}]{3,200})@(?!sha\d{3}:)"
    r"(?=(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{1,63}(?![\w-])|[a-z0-9-]{1,63}:\d|localhost)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"(?P<head>(?:[?&#;]|%(?:3[fF]|26))(?P<name>[\w.-]{1,80})(?:=|%3[dD]))(?P<value>(?:(?!%26)[^\s&#;\"'`<>\\]){1,4000})"
)
_XML = re.compile(r"<(?P<name>[\w.:-]{1,60})>(?P<value>[^<>\s]{1,4000})</(?P=name)>")
_PAIR = re.compile(
    r"(?P<head>[\"']?name[\"']?\s{0,5}[:=]\s{0,5}[\"']?(?P<name>[\w.-]{1,80})[\"']?[\s,]{1,40}"
    r"[\"']?value[\"']?\s{0,5}[:=]\s{0,5})(?:(?P<quote>[\"'])(?P<quoted>.{1,4000}?)(?P=quote)|(?P<bare>[^\s,}\]]{1,4000}))"
)
"""A variable of a container, as JSON, YAML and Python have it."""
_LOGIN_COMMAND = re.compile(
    r"(?P<head>\b(?:oc|podman|skopeo|docker|buildah|helm|crane|oras)\b"
    r"[^\n|;&]{0,200}?\blogin\b[^\n|;&]{0,400}?\s-p[ =]?"
    r"|\bcurl\b[^\n|;&]{0,400}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,100}:)(?P<value>[^\s\"']{1,400})"
)
_TELLS = re.compile(NAME_PARTS, re.IGNORECASE)
_MOST_NAME = 60
_BEHIND = re.compile(
    r"[\w.-]{0,30}"
    r"(?:(?P<gap>\\{0,4}[\"']?\]?\s{0,20}(?:=>|:=|::|[:=])\s{0,20}|\s{0,20}\|\s{0,20}|\s{2,20}|\t)"
    r"|(?P<flag>\s(?:was |is )?|[\"']\s{0,3},?\s{0,3}(?=[\"'])))"
    r"(?P<open>(?:[\[({]\s*)?)"
    r"(?:[bru]?(?P<quote>\\{0,4}[\"'])(?P<quoted>(?:(?!(?P=quote)).){1,8000}?)(?P=quote)|[\"']?(?P<bare>[^\s\"'`\[({<>][^\s\"'`]{0,8000}))",
    re.DOTALL,
)
"""What follows the telling part of a name: its rest, an assignment, a column or a blank, and the value."""
_TAIL = re.compile(r"[,;)}\]>.:\\]+\Z|[&;,]\w+[=:].*\Z|\\[nrt].*\Z", re.DOTALL)
"""What stands behind a value without quotes: the end of a call, the next pair, an escaped line end."""
_INNER = re.compile(
    r"(?P<head>[:\[,{]\s{0,5})(?P<quote>\\{0,4}[\"'])(?P<quoted>(?:(?!(?P=quote)).){1,4000}?)(?P=quote)(?!\s{0,3}:)"
)
"""A text of an object or a list, but none of its keys."""
_COOKIES = re.compile(
    r"(?P<head>\bcookie\b[\"']?\s{0,3}:\s{0,3}[\"']?)(?P<value>[^\r\n\"']{6,4000})", re.IGNORECASE
)
_MORE = re.compile(
    r"\s*,\s*(?P<quote>\\{0,4}[\"'])(?P<quoted>(?:(?!(?P=quote)).){1,8000}?)(?P=quote)", re.DOTALL
)
"""Another item of a list whose first one was a secret."""
_BEGINNINGS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:(?:sk|rk)[-_](?:[a-z0-9]{2,8}[-_]){0,3}|hf_)"
    r"(?:(?=[A-Za-z0-9_]{0,40}[A-Z])[A-Za-z0-9_]{8,200}|(?=[a-z0-9_]{0,40}\d)[a-z0-9_]{20,200})(?:-[\w-]{1,200})?"
    r"|sk-[\w-]{0,160}T3BlbkFJ\w{8,100}"
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
    r"|[.…xX*•]+|<[^>]*>?|\$\(.*|\$\{.*|\$[A-Z_0-9]*|%\(?\w*\)?s?|\{+[^}]*\}*|SecretStr\(.*"
    r"|(?i:your)[-_ ].*"
    r"|(?:IMAGE|TOKEN|KEY|PASSWORD|SECRET|VALUE|NAME|[A-Z]+(?:_[A-Z]+)+)",
    re.DOTALL,
)
_LIKE_A_WORD = re.compile(r"[A-Za-z]{1,20}[.,:;!?)\]}…]*")
_NUMBER = re.compile(r"[-+]?[\d_.,]{1,20}(?:[eE][-+]?\d+)?[KMGTkmgt]?i?B?|0x[0-9a-fA-F]+")
_NAME_OF_AN_OBJECT = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)+")
"""As Kubernetes has it: `Create Secret oci-registry-pull-secret`."""
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=_~-]+")
_MOST_OBJECT = 4000
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
    text = without_address_secrets(_PEM.sub(_pem, text))
    if "</" in text:
        text = _XML.sub(_one, text)
    text = _PAIR.sub(_one, text)
    text = _COOKIES.sub(_behind_head, _LOGIN_COMMAND.sub(_behind_head, text))
    text = _named(text)
    return _BEGINNINGS.sub(lambda found: mask_of(found[0]), text) if may_begin_secret(text) else text


def without_address_secrets(text: str) -> str:
    """`text` with a mask for logins and token-like parameters of addresses only: for what is used as it is
    read, such as an image reference."""
    if "@" in text:
        text = _USERINFO.sub(_userinfo, text)
        text = _BARE_LOGIN.sub(lambda found: f"{_password(found['login'])}@", text)
    return _PARAMETER.sub(_parameter, text)


def mask_value(name: str, value: str) -> str:
    """A value that stands behind a name, or its mask; inside a value without a name of a secret, shapes are
    masked."""
    if is_secret_value(kind_of(name), value):
        return mask_of(value)
    return without_shapes(value)


def is_secret_value(kind: Kind, value: str) -> bool:
    """Whether a value is to be masked, by what its name says."""
    bare = value.strip()
    if kind is Kind.NONE or not bare or _PLACEHOLDER.fullmatch(bare) or _masked_already(bare):
        return False
    if kind is Kind.WEAK:
        return like_a_secret(bare)
    return unlike_ordinary(bare) or (kind is Kind.SURE and not _SMALL.fullmatch(bare))


def unlike_ordinary(value: str) -> bool:
    """Whether a value is no word, number, path, host or label, and so may be a credential."""
    if any(shape.fullmatch(value) for shape in (_LIKE_A_WORD, _NUMBER, _PATH, _LABEL)):
        return False
    telling = re.search(r"\d|[a-z][A-Z]", value) is not None or len(value) > 20
    return telling and len(value) >= 6 and not any(map(str.isspace, value.strip()))


def like_a_secret(value: str) -> bool:
    """Whether a value can hardly be anything but a credential: capitals with digits, or a long run."""
    if len(value) < 8 or _NAME_OF_AN_OBJECT.fullmatch(value) or not unlike_ordinary(value):
        return False
    return (re.search(r"\d", value) is not None and re.search(r"[A-Z]", value) is not None) or (
        len(value) >= 20 and _LONG_RUN.fullmatch(value) is not None
    )


def _masked_already(value: str) -> bool:
    """Whether what is left beside the masks in it is no secret: `Bearer *secret-1*`."""
    return (
        MASKED.search(value) is not None
        and len(re.sub(r"\W|(?i:bearer|basic)", "", MASKED.sub("", value))) < 4
    )


def _password(login: str) -> str:
    """The mask for a login: the password's own, which may stand elsewhere, too."""
    return mask_of(login.partition(":")[2] or login)


def _one(found: re.Match[str]) -> str:
    """A match of a name and its value, with the value masked where the name is one of a secret."""
    group = next(name for name in ("value", "quoted", "bare") if found.groupdict().get(name) is not None)
    if not is_secret_value(kind_of(found["name"]), found[group]):
        return found[0]
    start, end = found.start(group) - found.start(), found.end(group) - found.start()
    return found[0][:start] + mask_of(found[group]) + found[0][end:]


def _behind_head(found: re.Match[str]) -> str:
    return found["head"] + mask_of(found["value"])


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
    return f"{found['scheme']}:{found['slashes']}{_password(login)}@"


def _parameter(found: re.Match[str]) -> str:
    hidden = is_secret_value(kind_in_query(found["name"]), found["value"])
    return _behind_head(found) if hidden else found[0]


def _named(text: str) -> str:
    """Values behind names: `name=value`, `"name": "value"`, `--name value`, `name=["value", "value"]`."""
    out: list[str] = []
    done = 0
    for tells in _TELLS.finditer(text):
        if tells.start() < done or (found := _BEHIND.match(text, tells.end())) is None:
            continue
        kind = _sure_of(text, tells.start(), found)
        if "{" in found["open"]:
            done = _object(text, found, out, done) if kind is Kind.SURE else done
            continue
        group = "quoted" if found["quoted"] is not None else "bare"
        value = found[group] if group == "quoted" else _TAIL.sub("", found[group])
        if not is_secret_value(kind, value):
            continue
        out += (text[done : found.start(group)], mask_of(value))
        done = found.start(group) + len(value)
        if found["open"] or (found["flag"] and group == "quoted"):
            done = _rest_of_list(text, found.end(), out, done)
    return "".join([*out, text[done:]])


def _sure_of(text: str, at: int, found: re.Match[str]) -> Kind:
    """How sure the name is whose telling part begins at `at`: in a sentence (`password: wrong`, `--api-key
    tells a secret`) less than in an assignment; least behind a blank where it is no flag."""
    start = at
    while start > max(0, at - _MOST_NAME) and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
        start -= 1
    name = text[start : found.start("gap" if found["gap"] else "flag")]
    kind, quoted = kind_of(name), found["quoted"] is not None
    if found["gap"] is None and not name.startswith("-"):
        return min(kind, Kind.WEAK) if not quoted and not name.endswith("s") else Kind.NONE
    if quoted or not (found["gap"] or " ").endswith((" ", "\t")):
        return kind
    return min(kind.said, Kind.WEAK) if name.lower().endswith(("secret", "secrets")) else kind.said


def _object(text: str, found: re.Match[str], out: list[str], done: int) -> int:
    """Mask the texts of an object that is a secret as a whole; the end of what was masked."""
    end = text.find("}", found.start("open"), found.start("open") + _MOST_OBJECT)
    for inner in _INNER.finditer(text, found.start("open"), end if end >= 0 else found.start("open")):
        if not _PLACEHOLDER.fullmatch(inner["quoted"]) and not _masked_already(inner["quoted"]):
            out += (text[done : inner.start("quoted")], mask_of(inner["quoted"]))
            done = inner.end("quoted")
    return done


def _rest_of_list(text: str, at: int, out: list[str], done: int) -> int:
    while (more := _MORE.match(text, at)) is not None and not more["quoted"].startswith("-"):
        if not is_mask(more["quoted"]):
            out += (text[done : more.start("quoted")], mask_of(more["quoted"]))
            done = more.end("quoted")
        at = more.end()
    return done
