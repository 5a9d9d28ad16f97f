"""The whole product with planted credentials: not a byte of them on stdout, on stderr, or in a file of the
run."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.demo.kube import start_stub_cluster, write_kubeconfig
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.demo.modelcars import demo_images
from modelcar_tui.demo.registry import DemoRegistry
from support.echo_server import echo_server, shown

AGENT = Path(sys.executable).parent / "agent"
CANARY = "CANARYaaaa0001bbbb0002cccc0003"
PASSWORD = "CANARYword0004dddd0005eeee0006"
HEAD, TAIL = "CANARYaaaa0001", "bbbbCANARY0002"


GOOD = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://{host}/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args: [--max-model-len=2048, --distributed-executor-backend=mp]
"""


class Plant:
    """A folder with a manifest, a kubeconfig and a state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        self.kubeconfig = folder / "kubeconfig"
        self.manifest = folder / "m.base.yaml"
        self.environ: dict[str, str] = {}
        self.image("127.0.0.1:9")

    def image(self, host: str) -> None:
        self.manifest.write_text(
            f"model-car:\n  - name: a-8b\n    image: oci://{host}/x/y:1\n"
            "    serving_arguments: {gpu_count: 1, args: [--max-model-len=4096]}\n"
        )

    def user(self, user: dict[str, Any], server: str = "https://127.0.0.1:9") -> None:
        write_kubeconfig(self.kubeconfig, server, user)

    def agent(self, *args: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [AGENT, *map(str, args)],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=100,
            check=False,
            env=os.environ | self.environ,
        )

    def run(self, *more: object) -> subprocess.CompletedProcess[bytes]:
        return self.agent(
            "--config",
            self.manifest,
            "--kubeconfig",
            self.kubeconfig,
            "--no-llm",
            "--state-dir",
            self.state,
            *more,
        )

    def traces(self, done: subprocess.CompletedProcess[bytes], *canaries: str) -> list[tuple[str, bytes]]:
        """Where something of a canary stands: stream or file, and what."""
        places = {"stdout": done.stdout, "stderr": done.stderr}
        places |= {str(path): path.read_bytes() for path in self.state.rglob("*") if path.is_file()}
        return [
            (name, trace) for name, data in places.items() for each in canaries for trace in shown(data, each)
        ]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path)


USERS = {
    "token with a line feed": {"token": f"{HEAD}\n{TAIL}"},
    "token with a carriage return": {"token": f"{HEAD}\r{TAIL}"},
    "token beyond Latin-1": {"token": f"{HEAD}–{TAIL}"},
    "user name with a control character": {"username": f"{HEAD}\x01{TAIL}", "password": "x"},
    "as with a line feed": {"token": "a-token-of-mine", "as": f"{HEAD}\n{TAIL}"},
    "as-groups with a line feed": {"token": "a-token-of-mine", "as": "x", "as-groups": [f"{HEAD}\n{TAIL}"]},
}


@pytest.mark.parametrize("user", USERS.values(), ids=USERS)
@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_the_cluster_alone_shows_nothing_of_it(plant: Plant, user: dict[str, Any], form: str) -> None:
    plant.user(user)
    done = plant.agent("accelerator", "--kubeconfig", plant.kubeconfig, "--format", form)
    assert done.returncode == 3
    assert b" holds a " in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    assert plant.traces(done, HEAD, TAIL) == []


@pytest.mark.parametrize("user", USERS.values(), ids=USERS)
def test_a_whole_run_keeps_nothing_of_it(plant: Plant, user: dict[str, Any]) -> None:
    plant.user(user)
    done = plant.run()
    assert b" holds a " in done.stdout
    assert list(plant.state.rglob("gpu_info.txt"))
    assert list(plant.state.rglob("checkpoint.sqlite"))
    assert plant.traces(done, HEAD, TAIL) == []


def test_a_token_file_with_a_second_line_is_kept_nowhere(plant: Plant) -> None:
    (plant.folder / "token").write_text(f"{HEAD}\n{TAIL}\n")
    plant.user({"tokenFile": str(plant.folder / "token")})
    done = plant.run("--no-qa")
    assert b"token: the token holds a line break (pasted over two lines?)" in done.stdout
    assert plant.traces(done, HEAD, TAIL) == []


@pytest.mark.parametrize("echo", ["json-500", "cut", "success", "base64"])
@pytest.mark.parametrize("challenge", ["basic", "bearer"])
def test_credentials_that_servers_repeat_are_kept_nowhere(plant: Plant, echo: str, challenge: str) -> None:
    packed = base64.b64encode(f"someone:{PASSWORD}".encode()).decode()
    with (
        echo_server(echo) as api,
        echo_server("json-403", challenge=challenge, token=CANARY[::-1]) as registry,
    ):
        plant.user({"token": CANARY}, api.url)
        plant.image(registry.host)
        (plant.folder / "auth.json").write_text(json.dumps({"auths": {registry.host: {"auth": packed}}}))
        conf = plant.folder / "registries.conf"
        conf.write_text(f'[[registry]]\nlocation="{registry.host}"\ninsecure=true\n')
        done = plant.run("--no-qa", "--authfile", plant.folder / "auth.json", "--registries-conf", conf)
    assert api.seen
    assert registry.seen
    assert plant.traces(done, CANARY, PASSWORD, CANARY[::-1], packed) == []


def test_logins_in_addresses_are_kept_nowhere(plant: Plant) -> None:
    plant.user({}, f"https://someone:{CANARY}@127.0.0.1:9")
    plant.environ = {"HTTPS_PROXY": f"http://someone:{PASSWORD}@127.0.0.1:9"}
    done = plant.run("--no-qa")
    assert done.returncode == 3
    assert plant.traces(done, CANARY, PASSWORD) == []


def test_a_model_s_address_with_a_login_is_refused_and_not_stored(plant: Plant) -> None:
    plant.user({"token": "a-token-of-mine"})
    done = plant.agent(
        "--config",
        plant.manifest,
        "--kubeconfig",
        plant.kubeconfig,
        "--state-dir",
        plant.state,
        "--no-qa",
        "--model",
        "openai:x",
        "--model-url",
        f"http://someone:{CANARY}@127.0.0.1:9/v1",
    )
    assert done.returncode == 3, "it costs the language model, not the run"
    assert b"note: no language model: --model-url: " in done.stderr
    assert plant.traces(done, CANARY) == []


@pytest.mark.parametrize(
    "model",
    [
        f"openai:http://someone:{CANARY}@127.0.0.1:9/v1",
        f"openai:someone:{CANARY}@127.0.0.1",
        f"http://someone:{CANARY}@127.0.0.1:9/v1",
        f"someone:{CANARY}@127.0.0.1:9",
    ],
)
def test_an_address_with_a_login_in_a_model_s_name_is_refused_and_not_stored(
    plant: Plant, model: str
) -> None:
    plant.user({"token": "a-token-of-mine"})
    done = plant.agent(
        "--config",
        plant.manifest,
        "--kubeconfig",
        plant.kubeconfig,
        "--state-dir",
        plant.state,
        "--no-qa",
        "--model",
        model,
        "--model-url",
        "http://127.0.0.1:9/v1",
    )
    assert done.returncode == 3, "it costs the language model, not the run"
    assert b"note: no language model: --model: " in done.stderr
    assert plant.traces(done, CANARY) == []


def test_a_model_s_key_with_a_line_break_is_refused_and_not_quoted(plant: Plant) -> None:
    plant.user({"token": "a-token-of-mine"})
    plant.environ = {"OPENAI_API_KEY": f"{HEAD}\n{TAIL}"}
    done = plant.agent(
        "--config",
        plant.manifest,
        "--kubeconfig",
        plant.kubeconfig,
        "--state-dir",
        plant.state,
        "--no-qa",
        "--model",
        "openai:x",
        "--model-url",
        "http://127.0.0.1:9/v1",
    )
    journal = next(plant.state.rglob("journal.jsonl")).read_bytes()
    assert b"OPENAI_API_KEY: the key holds a line break" in journal
    assert plant.traces(done, HEAD, TAIL) == []


def test_what_qa_needs_is_told_without_the_pull_secret(plant: Plant) -> None:
    with start_stub_cluster(openshift_ai(), folder=plant.folder) as stub:
        plant.kubeconfig = stub.kubeconfig_path
        registry = DemoRegistry(demo_images())
        try:
            plant.manifest.write_text(GOOD.format(host=registry.host))
            packed = base64.b64encode(f"{HEAD}\n{TAIL}:word".encode()).decode()
            plant.environ = {"OCI_REGISTRY_PULL_SECRET": packed}
            done = plant.run(
                "--qa-engine",
                "kubernetes",
                "--qa-namespace",
                "models",
                "--registries-conf",
                registry.registries_conf_path,
            )
        finally:
            registry.stop()
    assert b"the pull secret: the user name holds a line break" in done.stdout
    assert plant.traces(done, HEAD, TAIL, stub.token) == []
