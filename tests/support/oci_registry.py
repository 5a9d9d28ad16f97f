"""A real registry (Debian's docker-registry) on loopback, plain or with TLS and a login."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import httpx

LOGIN = ("someone", "s3cret-word")


class RealRegistry:
    """One running docker-registry."""

    def __init__(self, folder: Path, *, secure: bool) -> None:
        self.folder = folder
        self.secure = secure
        folder.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.host = f"localhost:{port}" if secure else f"127.0.0.1:{port}"
        self.certificate = folder / "cert.pem"
        http = {"addr": f"127.0.0.1:{port}"}
        config = {
            "version": 0.1,
            "log": {"level": "info"},
            "http": http,
            "storage": {"filesystem": {"rootdirectory": str(folder / "store")}},
        }
        if secure:
            self._make_certificate()
            http["tls"] = {"certificate": str(self.certificate), "key": str(folder / "key.pem")}
            told = subprocess.run(
                ["htpasswd", "-Bbn", *LOGIN], capture_output=True, check=True, text=True
            ).stdout
            (folder / "htpasswd").write_text(told)
            config["auth"] = {"htpasswd": {"realm": "real", "path": str(folder / "htpasswd")}}
        (folder / "config.yml").write_text(json.dumps(config))
        self.log = folder / "log"
        self._process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")],
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        self._wait(port)

    def _make_certificate(self) -> None:
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout",
                str(self.folder / "key.pem"),
                "-out",
                str(self.certificate),
            ],
            check=True,
            capture_output=True,
        )

    def _wait(self, port: int) -> None:
        limit = time.monotonic() + 20
        while time.monotonic() < limit:
            assert self._process.poll() is None, self.log.read_text()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def client(self) -> httpx.Client:
        base = f"https://{self.host}" if self.secure else f"http://{self.host}"
        trust = ssl.create_default_context(cafile=self.certificate) if self.secure else False
        return httpx.Client(base_url=base, auth=LOGIN if self.secure else None, verify=trust, timeout=60)

    def push(self, repository: str, tag: str, image) -> None:
        """Blobs, then manifests, as the distribution specification says."""
        with self.client() as client:
            for digest, blob in image.blobs.items():
                raw = blob.read(0, blob.size)
                assert digest == f"sha256:{hashlib.sha256(raw).hexdigest()}", "too large for a real registry"
                self.push_blob(client, repository, raw)
            for digest, (raw, kind) in reversed(image.manifests.items()):
                target = tag if digest == image.digest else digest
                told = client.put(
                    f"/v2/{repository}/manifests/{target}", content=raw, headers={"Content-Type": kind}
                )
                told.raise_for_status()

    @staticmethod
    def push_blob(client: httpx.Client, repository: str, raw: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        place = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status().headers["Location"]
        client.put(httpx.URL(place).copy_merge_params({"digest": digest}), content=raw).raise_for_status()
        return digest

    @property
    def bytes_served(self) -> int:
        """As the registry's own log counts them."""
        total = 0
        for line in self.log.read_text().splitlines():
            if "http.response.written" in line and '"response completed"' in line:
                total += int(line.partition("http.response.written=")[2].split()[0])
        return total

    def registries_conf(self) -> str:
        path = self.folder / "registries.conf"
        insecure = f"insecure = {str(not self.secure).lower()}"
        mapped = f'[[registry]]\nprefix = "registry.redhat.io"\nlocation = "{self.host}"\n{insecure}\n'
        path.write_text(f'{mapped}[[registry]]\nlocation = "{self.host}"\n{insecure}\n')
        return str(path)

    def authfile(self, login: str = ":".join(LOGIN)) -> str:
        path = self.folder / "auth.json"
        path.write_text(
            json.dumps({"auths": {self.host: {"auth": base64.b64encode(login.encode()).decode()}}})
        )
        return str(path)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)


def missing() -> str:
    """Why no real registry can run here; empty when one can."""
    programs = ("docker-registry", "skopeo", "openssl", "htpasswd")
    return ", ".join(f"{name} is not installed" for name in programs if shutil.which(name) is None)
