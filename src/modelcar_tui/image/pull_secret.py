"""`OCI_REGISTRY_PULL_SECRET` in each shape that people give it."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from modelcar_tui.core.secrets import Secret

VARIABLE = "OCI_REGISTRY_PULL_SECRET"
_LONGEST = 1 << 20


def parse_pull_secret(secret: Secret, *, login_host: str) -> dict[str, dict[str, Any]]:
    """The `auths` of an auth file.

    Understood are base64 or plain `user:password` (for `login_host` and its stage twin only: it must not
    reach whatever host a manifest names), an auth file or `.dockerconfigjson`, an old `.dockercfg`, a
    Kubernetes Secret in JSON, and the base64 of each of these.

    Raises:
        ValueError: none of these shapes; the text does not repeat the secret.
    """
    text = secret.reveal().strip()
    if not text or len(text) > _LONGEST:
        raise ValueError("it is empty" if not text else "it is longer than 1 MiB")
    return _read(text, login_host, depth=0)


def _read(text: str, login_host: str, *, depth: int) -> dict[str, dict[str, Any]]:
    if text.startswith("{"):
        return _from_json(text, login_host, depth)
    decoded = _decode(text)
    if decoded is not None and decoded.lstrip().startswith("{") and depth < 3:
        return _read(decoded.strip(), login_host, depth=depth + 1)
    packed_login = decoded is not None and ":" in decoded
    login = (decoded or "").strip("\r\n") if packed_login else text
    # Only in base64 may a password hold blanks or lines, as that of `_json_key` does.
    if ":" not in login or any(
        char.isspace() for char in (login.partition(":")[0] if packed_login else login)
    ):
        raise ValueError("it is neither user:password (in base64 or plain) nor the JSON of an auth file")
    packed = base64.b64encode(login.encode()).decode()
    return {host: {"auth": packed} for host in _twins(login_host)}


def _from_json(text: str, login_host: str, depth: int) -> dict[str, dict[str, Any]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it starts as JSON but is not valid JSON") from None
    if not isinstance(data, dict):
        raise ValueError("its JSON is not an object")
    if data.get("kind") == "Secret" and depth < 3:
        stored = data.get("data") if isinstance(data.get("data"), dict) else {}
        plain = data.get("stringData") if isinstance(data.get("stringData"), dict) else {}
        for part in (stored, plain):
            for key in (".dockerconfigjson", ".dockercfg"):
                if isinstance(part, dict) and isinstance(part.get(key), str):
                    return _read(part[key].strip(), login_host, depth=depth + 1)
        raise ValueError("the Kubernetes Secret has no .dockerconfigjson")
    auths = data.get("auths", data)
    if not isinstance(auths, dict):
        raise ValueError("its `auths` is not an object")
    found = {str(key): value for key, value in auths.items() if isinstance(value, dict)}
    if not found:
        raise ValueError("its JSON names no registry")
    return found


def _decode(text: str) -> str | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _twins(host: str) -> tuple[str, ...]:
    """registry.redhat.io's stage takes the same logins."""
    return (host, "registry.stage.redhat.io") if host == "registry.redhat.io" else (host,)
