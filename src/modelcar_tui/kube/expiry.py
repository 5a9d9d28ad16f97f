"""When a kubeconfig's token ends, against how long the suite may take: a 401 after an hour wastes the
hour."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from modelcar_tui.core.stamps import seconds


def jwt_expiry(token: str) -> float | None:
    """The `exp` of a JSON Web Token, seconds since 1970; None for any other token, such as OpenShift's
    own."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > 64_000:
        return None
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


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
