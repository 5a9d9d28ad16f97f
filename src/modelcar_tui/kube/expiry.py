"""When a kubeconfig's token ends, against how long the suite may take: a 401 after an hour wastes the
hour."""

from __future__ import annotations

import base64
import json
import math
import time
from typing import Any

from modelcar_tui.core.stamps import seconds

_LAST = 253402300799.0
"""The end of the year 9999."""


def jwt_claims(token: str) -> dict[str, Any] | None:
    """What a JSON Web Token says of itself, unverified; None for any other token, such as OpenShift's own."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > 64_000:
        return None
    try:
        packed = parts[1].encode() + b"=" * (-len(parts[1]) % 4)
        claims: Any = json.loads(base64.b64decode(packed, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def jwt_expiry(token: str) -> float | None:
    """The `exp` of a JSON Web Token, seconds since 1970; None where it tells none."""
    return claimed_end(jwt_claims(token) or {})


def claimed_end(claims: dict[str, Any]) -> float | None:
    """`exp`, seconds since 1970, within the years that a time can be told of; None where it is no number."""
    try:
        ends = float(claims["exp"])
    except OverflowError:
        return _LAST
    except (ValueError, LookupError, TypeError):
        return None
    return None if math.isnan(ends) else min(max(ends, 0.0), _LAST)


def caution(who: str, expires: float | str | None, needed_s: float | None) -> str:
    """One sentence where the token may end before the suite does; empty where it will not.

    Args:
        who: Whose token it is.
        expires: Seconds since 1970, or the time as a plug-in tells it; empty or None where it is not told.
        needed_s: How long the suite may take; None always says when the token ends.
    """
    at = seconds(expires) if isinstance(expires, str) else expires
    if not at:
        return f"{who} does not tell when it expires; a suite that runs longer will fail with 401"
    left = at - time.time()
    until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
    if left <= 0:
        return f"{who} expired at {until}; oc login, then run again"
    if needed_s is not None and left > needed_s:
        return ""
    budget = f"; the suite may take {needed_s / 60:.0f}" if needed_s is not None else ""
    return f"{who} expires at {until}, in {left / 60:.0f} minutes{budget}, and will then fail with 401"
