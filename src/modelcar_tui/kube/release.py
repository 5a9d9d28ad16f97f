"""Which release of Kubernetes a server or a kubelet is."""

from __future__ import annotations

import re

_MINOR = re.compile(r"v?1\.(\d{1,3})")


def minor_version(version: str) -> int | None:
    """34 of `v1.34.2` or `1.34+`; None where it does not tell."""
    match = _MINOR.match(version)
    return int(match[1]) if match else None
