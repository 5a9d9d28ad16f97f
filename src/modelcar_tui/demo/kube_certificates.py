"""Certificates for the stub cluster: made on the spot, kept in its own folder."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelcar_tui.core.files import write_private


@dataclass(frozen=True)
class Certificate:
    """PEM files; `ca` is the certificate that signed it."""

    ca: Path
    certificate: Path
    key: Path


class Authority:
    """A certificate authority that lives as long as this object."""

    def __init__(self, folder: Path, name: str = "stub-ca") -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(name)
        certificate = self._sign(self._subject, self._key.public_key(), [], days=30, ca=True)
        self.path = folder / f"{name}.crt"
        self.path.write_bytes(certificate)

    def issue(
        self,
        name: str,
        *,
        hosts: tuple[str, ...] = ("127.0.0.1", "localhost"),
        days: float = 30,
        group: str = "",
    ) -> Certificate:
        """A certificate for a server (`hosts`) or a client (`name`); a negative `days` has expired
        already."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        path, key_path = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        path.write_bytes(self._sign(_name(name, group), key.public_key(), list(hosts), days=days, ca=False))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(key_path, private)
        return Certificate(self.path, path, key_path)

    def _sign(self, subject: Any, public: Any, hosts: list[str], *, days: float, ca: bool) -> bytes:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        now = dt.datetime.now(dt.UTC)
        names: list[x509.GeneralName] = []
        for host in hosts:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                names.append(x509.DNSName(host))
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=60))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def available() -> bool:
    """Whether certificates can be made here."""
    from importlib.util import find_spec

    return find_spec("cryptography") is not None


def _name(common: str, group: str = "") -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if group:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(parts)
