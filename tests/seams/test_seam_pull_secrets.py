"""One `OCI_REGISTRY_PULL_SECRET`: the login that reads an image, and the login that the QA suite is given.

The right answers are those of the shapes' own tools: docker's config.json and podman's auth.json as
containers/image reads them, `oc create secret docker-registry -o yaml` and `-o json`, and a bare
`user:password`, which is for registry.redhat.io and its stage twin alone. Read as well is what people
paste: the alphabet for addresses, a list of entries (the suite takes its first one), base64 of base64.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from seam_support import REFUSED, params

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.pull_secret import parse
from modelcar_tui.core.secrets import Secret
from modelcar_tui.image.credentials import find_credential
from modelcar_tui.image.errors import ImageError
from modelcar_tui.image.options import ImageOptions

REDHAT, STAGE, QUAY = "registry.redhat.io", "registry.stage.redhat.io", "quay.io"
LOGIN = "user:pass?word>1"
"""In base64 it has a `/` and ends with padding, so that its other alphabets differ."""
OTHER = "robot:letmein2"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    """In lines, as `base64 -w 20` prints it."""
    packed = b64(text)
    return "\n".join(packed[at : at + 20] for at in range(0, len(packed), 20))


def auths(*, head: Mapping[str, Any] | None = None, **entries: Any) -> str:
    """An auth file; a host's dots are written as `_` and its colon as `__`."""
    hosts = {name.replace("__", ":").replace("_", "."): entry for name, entry in entries.items()}
    return json.dumps({**(head or {}), "auths": hosts})


def secret(key: str, text: str, *, part: str = "data", kind: str = "Secret") -> str:
    return json.dumps({"apiVersion": "v1", "kind": kind, part: {key: text}})


ENTRY, SECOND = {"auth": b64(LOGIN)}, {"auth": b64(OTHER)}
CONFIG = auths(registry_redhat_io=ENTRY)
PAIR = {"username": "user", "password": "pass?word>1"}
HUB = {"auths": {"https://index.docker.io/v1/": ENTRY}}
SPACED = {"auths": {"quay.io/team": SECOND, "quay.io": ENTRY}}
YAML = f"apiVersion: v1\nkind: Secret\ndata:\n  .dockerconfigjson: {b64(CONFIG)}\n"
HERE = {REDHAT: LOGIN}

Case = tuple[str, dict[str, str | None]]
CASES: dict[str, Case] = {
    "base64 of user:password": (b64(LOGIN), {REDHAT: LOGIN, STAGE: LOGIN}),
    "base64 of user:password and a line end": (b64(LOGIN + "\n"), HERE),
    "base64 of user:password in lines": (wrapped(LOGIN), HERE),
    "base64 between blanks": (f"  {b64(LOGIN)}\n", HERE),
    "base64 without padding": (b64(LOGIN).rstrip("="), HERE),
    "base64 for URLs": (base64.urlsafe_b64encode(LOGIN.encode()).decode(), HERE),
    "a login whose password holds a colon": ("user:a:b", {REDHAT: "user:a:b"}),
    "plain user:password": ("user:password1", {REDHAT: "user:password1", STAGE: "user:password1"}),
    "plain user:password for another registry": ("user:password1", {QUAY: None}),
    "base64 of user:password for another registry": (b64(LOGIN), {QUAY: None}),
    "a login without a password": ("user:", {REDHAT: REFUSED}),
    "a login without a password in base64": (b64("user:"), {REDHAT: REFUSED}),
    "a login without a user": (":password1", {REDHAT: REFUSED}),
    "words": ("not a secret", {REDHAT: REFUSED}),
    "a word": ("hunter2", {REDHAT: REFUSED}),
    "blanks": ("  \n", {REDHAT: None}),
    "JSON that is broken": ('{"auths": {', {REDHAT: REFUSED}),
    "JSON of a list": (json.dumps([ENTRY]), HERE),
    "JSON of nothing": ("{}", {REDHAT: REFUSED}),
    "an auth file": (CONFIG, {REDHAT: LOGIN, STAGE: None, QUAY: None}),
    "an auth file with name and password": (auths(registry_redhat_io=PAIR), HERE),
    "an auth file with an e-mail": (auths(registry_redhat_io={**ENTRY, "email": "a@b.c"}), HERE),
    "an auth file of several hosts": (
        auths(registry_redhat_io=ENTRY, quay_io=SECOND),
        {REDHAT: LOGIN, QUAY: OTHER, STAGE: None},
    ),
    "an auth file of the stage host": (
        auths(registry_stage_redhat_io=ENTRY),
        {STAGE: LOGIN, REDHAT: None},
    ),
    "an auth file of quay.io alone": (auths(quay_io=ENTRY), {QUAY: LOGIN, REDHAT: None}),
    "an auth file with a port": (auths(registry_redhat_io__443=ENTRY), {REDHAT: None}),
    "an auth file of a namespace": (
        json.dumps(SPACED),
        {"quay.io/team": OTHER, "quay.io/else": LOGIN},
    ),
    "an auth file with an address": (
        json.dumps({"auths": {"https://registry.redhat.io/v1/": ENTRY}}),
        HERE,
    ),
    "an auth file with an address of version 2": (
        json.dumps({"auths": {"https://registry.redhat.io/v2/": ENTRY}}),
        HERE,
    ),
    "an auth file of Docker Hub": (json.dumps(HUB), {"docker.io": LOGIN}),
    "an auth file with settings": (auths(head={"credsStore": "osxkeychain"}, registry_redhat_io=ENTRY), HERE),
    "an auth in lines": (auths(registry_redhat_io={"auth": wrapped(LOGIN)}), HERE),
    "an auth without padding": (auths(registry_redhat_io={"auth": b64(LOGIN).rstrip("=")}), HERE),
    "an auth that is rubbish": (auths(registry_redhat_io={"auth": "!!!"}), {REDHAT: REFUSED}),
    "an auth that is rubbish for another host": (
        auths(registry_redhat_io=ENTRY, quay_io={"auth": "!!!"}),
        HERE,
    ),
    "an auth without a colon": (auths(registry_redhat_io={"auth": b64("user")}), {REDHAT: REFUSED}),
    "an auth that is empty": (auths(registry_redhat_io={"auth": ""}), {REDHAT: REFUSED}),
    "a host without an auth": (auths(registry_redhat_io={}), {REDHAT: REFUSED}),
    "a host without an auth beside another": (
        auths(registry_redhat_io={}, quay_io=SECOND),
        {QUAY: OTHER, REDHAT: None},
    ),
    "a host whose entry is a text": (auths(registry_redhat_io=b64(LOGIN)), {REDHAT: REFUSED}),
    "a host whose entry is a list": (auths(registry_redhat_io=[ENTRY]), {REDHAT: REFUSED}),
    "an identity token beside another host": (
        auths(registry_redhat_io=ENTRY, quay_io={"identitytoken": "tok"}),
        HERE,
    ),
    "credential helpers alone": (json.dumps({"credHelpers": {QUAY: "ecr-login"}}), {REDHAT: REFUSED}),
    "a credential store and no auths": (
        json.dumps({"auths": None, "credsStore": "pass"}),
        {REDHAT: REFUSED},
    ),
    "base64 of an auth file": (b64(CONFIG), HERE),
    "base64 of an auth file in lines": (wrapped(CONFIG), HERE),
    "base64 of an auth file without padding": (b64(CONFIG + "  ").rstrip("="), HERE),
    "base64 of base64 of an auth file": (b64(b64(CONFIG)), HERE),
    "one entry of an auth file": (json.dumps(ENTRY), HERE),
    "one entry of an auth file, name and password": (json.dumps(PAIR), HERE),
    "base64 of one entry of an auth file": (b64(json.dumps(ENTRY)), HERE),
    "an old .dockercfg": (json.dumps({REDHAT: {**ENTRY, "email": "a@b.c"}}), HERE),
    "base64 of an old .dockercfg": (b64(json.dumps({REDHAT: ENTRY})), HERE),
    "a Kubernetes Secret": (secret(".dockerconfigjson", b64(CONFIG)), HERE),
    "a Kubernetes Secret in plain": (secret(".dockerconfigjson", CONFIG, part="stringData"), HERE),
    "a Kubernetes Secret of the old kind": (secret(".dockercfg", b64(json.dumps({REDHAT: ENTRY}))), HERE),
    "a Kubernetes Secret of several hosts": (
        secret(".dockerconfigjson", b64(auths(registry_redhat_io=ENTRY, quay_io=SECOND))),
        {REDHAT: LOGIN, QUAY: OTHER},
    ),
    "a Kubernetes Secret of something else": (secret("password", b64("x")), {REDHAT: REFUSED}),
    "base64 of a Kubernetes Secret": (b64(secret(".dockerconfigjson", b64(CONFIG))), HERE),
    "a Kubernetes Secret in YAML": (YAML, HERE),
    "base64 of a Kubernetes Secret in YAML": (b64(YAML), HERE),
}


def by_image(text: str, place: str, patch: pytest.MonkeyPatch) -> str | None:
    """The login with which an image of `place` (`host`, or `host/namespace`) is read."""
    host, _, namespace = place.partition("/")
    patch.setenv("OCI_REGISTRY_PULL_SECRET", text)
    try:
        found = asyncio.run(find_credential(host, f"{namespace or 'team'}/model", ImageOptions()))
    except ImageError:
        return REFUSED
    return None if found is None else f"{found.user}:{found.password.reveal()}"


def by_qa(text: str, place: str) -> str | None:
    """The login that the suite is given for it."""
    if not text.strip():
        return None  # nobody asks the parser: the variable is as good as unset
    try:
        found = parse(Secret(text)).for_host(place)
    except UserError:
        return REFUSED
    return None if found is None else base64.b64decode(found.reveal()).decode()


@pytest.mark.parametrize("case", params(CASES))
def test_an_image_and_the_suite_get_the_same_login(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    text, right = case
    image = {place: by_image(text, place, monkeypatch) for place in right}
    suite = {place: by_qa(text, place) for place in right}
    assert {"image": image, "suite": suite} == {"image": right, "suite": right}


def test_an_identity_token_opens_the_image_and_is_refused_for_the_suite(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The suite wants base64 of user:password, and a refresh token is none."""
    text = auths(registry_redhat_io={"identitytoken": "tok"})
    assert by_image(text, REDHAT, monkeypatch) == "<token>:tok"
    assert by_qa(text, REDHAT) == REFUSED


@pytest.mark.parametrize("case", params({name: case for name, case in CASES.items() if case[0].strip()}))
def test_no_room_repeats_a_secret_that_it_refuses(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = case
    said = []
    try:
        parse(Secret(text))
    except UserError as error:
        said.append(str(error))
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", text)
    try:
        asyncio.run(find_credential(REDHAT, "team/model", ImageOptions()))
    except ImageError as error:
        said.append(str(error))
    assert not any(
        part in line for line in said for part in ("pass?word", b64(LOGIN), "hunter2", "password1")
    )
