"""From options to a client, with what the kubeconfig's plug-in or auth-provider gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from modelcar_tui.kube.addresses import may_carry_credentials
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.flattened import Flattened
from modelcar_tui.kube.login import Login, ask
from modelcar_tui.kube.plugin import Given
from modelcar_tui.kube.transport import Transport
from modelcar_tui.kube.types import ClusterOptions


@asynccontextmanager
async def connect(credentials: Credentials, options: ClusterOptions) -> AsyncIterator[Client]:
    """A client for the context; closed when the block is left in any way.

    Raises:
        ClusterError: a certificate is broken, or a plug-in gives no credential.
    """
    # As in client-go nobody is asked for a credential that is not sent.
    given = await ask(credentials) if may_carry_credentials(credentials.server) else Given(credentials)
    async with _with(Login(credentials, given), options) as client:
        yield client


@asynccontextmanager
async def connect_as(lent: Flattened, options: ClusterOptions) -> AsyncIterator[Client]:
    """A client with the credentials that a container is lent, for as long as its run may take: a plug-in is
    asked anew when its token ends.

    Raises:
        ClusterError: a certificate is broken.
    """
    async with _with(Login(lent.source, Given(lent.credentials, lent.ends)), options) as client:
        yield client


@asynccontextmanager
async def _with(login: Login, options: ClusterOptions) -> AsyncIterator[Client]:
    async with Client(Transport(login.credentials, options), login=login) as client:
        yield client
