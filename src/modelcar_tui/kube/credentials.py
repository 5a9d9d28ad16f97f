"""One context of a kubeconfig, resolved: the server, the way to it, and who we are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelcar_tui.core.secrets import Secret
from modelcar_tui.core.text import clean


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """One context, resolved. Secrets show nothing in a repr."""

    server: str
    """Its address with a scheme, without a login, a query, a slash at its end."""
    bare: bool = False
    """The kubeconfig has its address without a scheme, so it is asked over plain HTTP, as kubectl does."""
    context: str = ""
    namespace: str = "default"
    ca: str | None = None
    """PEM of the authorities; the system's when None."""
    insecure: bool = False
    server_name: str | None = None
    token: Secret | None = None
    certificate: str | None = None
    """PEM of the client's certificate."""
    key: Secret | None = None
    basic: Secret | None = None
    """`user:password`."""
    proxy: str | None = field(default=None, repr=False)
    """With its login."""
    giver: str = ""
    """Who gives the token or certificate, where the kubeconfig does not hold it: `exec plug-in aws`,
    `auth-provider oidc`."""
    plugin: Mapping[str, Any] | None = field(default=None, repr=False)
    """The exec plug-in that is still to be asked, its command with its folder."""
    provider: Mapping[str, Any] | None = field(default=None, repr=False)
    """The auth-provider that is still to be asked."""
    impersonate: tuple[tuple[str, str], ...] = ()
    """Headers, in their order; a name may come again."""
    acting: Mapping[str, Any] = field(default_factory=dict)
    """The kubeconfig's own entries of impersonation: `as`, `as-uid`, `as-groups`, `as-user-extra`."""
    files: tuple[Path, ...] = ()
    """The kubeconfig files it came from."""

    @property
    def place(self) -> str:
        """Where they stand, for a sentence."""
        return clean(", ".join(str(path) for path in self.files), limit=300) or clean(self.server, limit=200)

    @property
    def nobody(self) -> bool:
        """Whether nothing says who we are."""
        held = (self.token, self.certificate, self.basic, self.plugin, self.provider)
        return not any(held) and not self.giver
