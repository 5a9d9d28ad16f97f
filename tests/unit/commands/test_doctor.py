"""`agent doctor`: each thing by itself, what hangs or dies costs its own line, and no secret is told."""

from __future__ import annotations

import base64
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui import agent
from modelcar_tui.commands import doctor, doctor_here, doctor_outside
from modelcar_tui.commands.doctor_rows import Patient, Row, State, install, missing, ok
from modelcar_tui.commands.preferences import look
from modelcar_tui.demo.kube import start_stub_cluster, write_kubeconfig

CANARY = "CANARYaaaa0001bbbb0002cccc0003"
INFO = {
    "host": {
        "cgroupVersion": "v2",
        "security": {"rootless": True},
        "idMappings": {"uidmap": [{"size": 1}, {"size": 65536}]},
    },
    "version": {"Version": "5.4.0"},
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it."""
    (tmp_path / "bin").mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in (
        *("KUBECONFIG", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "OCI_REGISTRY_PULL_SECRET", "GEMINI_API_KEY"),
        *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "MODELCAR_TUI_STATE_DIR"),
        *("https_proxy", "http_proxy", "all_proxy", "no_proxy", "MODELCAR_TUI_CACHE_DIR"),
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def program(here: Path, name: str, text: str) -> None:
    path = here / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def patient(*words: str) -> Patient:
    args = agent.parser().parse_args(["doctor", *words])
    return Patient(look(args), offline=args.offline)


def told(check: Any, *words: str) -> dict[str, Row]:
    return {row.name: row for row in check(patient(*words))}


def test_a_machine_with_nothing_lacks_a_cluster_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert agent.main(["doctor"]) == 3
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == "" and lines[-1] == "a run is kept from working by: kubeconfig"
    rows = {line[9:24].strip(): line for line in lines[:-2]}
    for name in ("podman", "skopeo", "oc, kubectl", "registry login", "pull secret", "kubeconfig"):
        assert rows[name].startswith("missing  "), rows[name]
    assert rows["python"].startswith("ok ") and rows["state folder"].startswith("ok ")
    assert "; " in rows["podman"] and "install" in rows["podman"]


def test_stated_gpus_need_no_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert agent.main(["doctor", "--gpu", "L40S:4", "--format", "json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert (tree["works"], tree["status"]) == (True, 0)
    assert {"name", "state", "what", "fix", "stops"} == set(tree["rows"][0])
    (kubeconfig,) = [row for row in tree["rows"] if row["name"] == "kubeconfig"]
    assert (kubeconfig["state"], kubeconfig["stops"]) == ("missing", 0)


def test_a_cluster_that_answers_is_asked_who_we_are(here: Path) -> None:
    with start_stub_cluster(folder=here, tls=False) as cluster:
        rows = told(doctor_outside.cluster, "--kubeconfig", str(here / "kubeconfig"))
        assert [row.state for row in rows.values()] == [State.OK] * 4
        assert rows["API server"].what.startswith("answers") and rows["who"].what
        assert cluster is not None
    offline = told(doctor_outside.cluster, "--kubeconfig", str(here / "kubeconfig"), "--offline")
    assert offline["API server"].what == "not asked: --offline" and "who" not in offline


def test_a_server_that_is_not_there_or_never_answers_is_one_line(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_outside, "SERVER_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        write_kubeconfig(here / "k", address, {"token": CANARY})
        rows = told(doctor_outside.cluster, "--kubeconfig", str(here / "k"))
    server = rows["API server"]
    assert (server.state, server.stops) == (State.FAULT, 3)
    assert "0.3 s" in server.what or "no answer" in server.what
    rows = told(doctor_outside.cluster, "--kubeconfig", str(here / "k"))
    assert rows["API server"].state is State.FAULT and "who" not in rows
    (here / "k").write_text("{")
    rows = told(doctor_outside.cluster, "--kubeconfig", str(here / "k"))
    assert rows["kubeconfig"].state is State.FAULT and rows["kubeconfig"].stops == 3


def test_podman_is_asked_for_ids_and_the_image(here: Path) -> None:
    program(here, "podman", f"""case "$1" in info) echo '{json.dumps(INFO)}';; image) exit 1;; esac""")
    rows = told(doctor_outside.podman)
    assert rows["podman"].what == "5.4.0, rootless, cgroups v2"
    assert (rows["subuid"].state, rows["QA image"].state) == (State.OK, State.MISSING)
    assert rows["QA image"].fix.startswith("podman pull quay.io/opendatahub/opendatahub-tests:")
    bare = {**INFO, "host": {**INFO["host"], "idMappings": {"uidmap": [{"size": 1}]}}}
    program(here, "podman", f"""case "$1" in info) echo '{json.dumps(bare)}';; esac""")
    rows = told(doctor_outside.podman)
    assert rows["subuid"].state is State.FAULT and "usermod --add-subuids" in rows["subuid"].fix
    assert rows["QA image"].state is State.OK


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("echo 'cannot set up namespace' >&2; exit 125", "does not run: cannot set up namespace"),
        ("echo '[1, 2'", "does not run: status 0"),
        ("sleep 60", "does not run: no answer within 0.2 s"),
    ],
)
def test_a_podman_that_does_not_run_is_one_line(
    here: Path, script: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_outside, "PROGRAM_S", 0.2 if "sleep" in script else 8.0)
    monkeypatch.setenv("PATH", f"{here}/bin:/usr/bin:/bin")
    program(here, "podman", script)
    rows = told(doctor_outside.podman)
    assert rows["podman"].state is State.FAULT and rows["podman"].what == what
    assert rows["podman"].stops == 0


def test_podman_is_not_asked_where_qa_needs_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(here, "podman", "exit 9")
    (here / "c.toml").write_text('[qa]\nengine = "kubernetes"\n[profiles.off]\nqa.enabled = false\n')
    monkeypatch.setenv("MODELCAR_TUI_CONFIG", str(here / "c.toml"))
    assert told(doctor_outside.podman)["podman"].what == "not needed: QA runs in the cluster"
    off = told(doctor_outside.podman, "--profile", "off")
    assert off["podman"].what == "not needed: qa.enabled is false"


def test_faults_of_the_settings_are_rows_and_stop_runs(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "c.toml").write_text('theem = 1\n[themes.t]\ntext = "#333333"\n')
    monkeypatch.setenv("MODELCAR_TUI_CONFIG", str(here / "c.toml"))
    assert agent.main(["doctor", "--gpu", "L40S:1"]) == 2
    out, err = capsys.readouterr()
    assert err == "" and out.splitlines()[-1] == "a run is kept from working by: settings"
    assert "c.toml:1: theem: no such setting; did you mean theme?" in out
    assert "warning  settings" in out and "themes.t.text: #333333 on #1c1c1c is hard to read" in out


def test_a_folder_that_can_not_be_written_stops_runs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(here / "locked"))
    (here / "locked").mkdir()
    rows = told(doctor_here.folders, "--state-dir", str(here / "locked" / "x"))
    assert (rows["state folder"].state, rows["state folder"].stops) == (State.FAULT, 2)
    assert rows["state folder"].fix.startswith(f"chmod u+rwx {here}/locked, or name another with --state-dir")


def test_a_file_in_the_place_of_a_folder_an_open_one_and_little_room_are_said(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "file").touch()
    rows = told(doctor_here.folders, "--state-dir", str(here / "file" / "x"))
    assert rows["state folder"].what.endswith("file is no folder") and rows["state folder"].stops == 2
    (here / "open").mkdir()
    (here / "open").chmod(0o777)
    rows = told(doctor_here.folders, "--state-dir", str(here / "open"))
    assert rows["state folder"].state is State.WARNING and rows["state folder"].fix.startswith("chmod go-w")
    monkeypatch.setattr(doctor_here, "_LEAST_FREE", 2**60)
    rows = told(doctor_here.folders)
    assert "MiB are free" in rows["cache folder"].what


@pytest.mark.parametrize("home", ["", "/dev/null", "/nonexistent"])
def test_a_home_that_is_none_gives_lines(
    home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("HOME") if not home else monkeypatch.setenv("HOME", home)
    assert agent.main(["doctor", "--offline", "--gpu", "L40S:1"]) in (0, 2)
    out, err = capsys.readouterr()
    assert err == "" and len(out.splitlines()) > 15 and "the check failed" not in out


def test_a_check_that_dies_or_hangs_costs_its_own_line() -> None:
    never = threading.Event()

    def dies(_: Patient) -> Iterator[Row]:
        yield ok("first", "found before")
        raise ValueError(CANARY)

    def hangs(_: Patient) -> Iterator[Row]:
        never.wait()
        yield ok("late", "too late")

    def leaves(_: Patient) -> Iterator[Row]:
        yield missing("third", "is told", "do it")
        sys.exit(9)

    checks = {"dies": dies, "hangs": hangs, "leaves": leaves}
    rows = doctor.examine(patient(), checks, limit_s=0.2)
    never.set()
    assert [(row.name, row.state) for row in rows] == [
        ("first", State.OK),
        ("dies", State.WARNING),
        ("hangs", State.WARNING),
        ("third", State.MISSING),
        ("leaves", State.WARNING),
    ]
    assert rows[1].what.startswith("not known: the check failed (ValueError in ")
    assert CANARY not in rows[1].what
    assert rows[2].what == "not known: no answer within 0.2 s"


def test_no_secret_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    login = base64.b64encode(f"me:{CANARY}".encode()).decode()
    auth = json.dumps({"auths": {"quay.io": {"auth": login}}})
    (here / "auth.json").write_text(auth)
    (here / "auth.json").chmod(0o600)
    write_kubeconfig(here / "k", "http://127.0.0.1:9", {"token": CANARY})
    program(here, "podman", f"echo 'bad token {CANARY}' >&2; exit 1")
    program(here, "skopeo", f"echo 'Bearer {CANARY}'")
    for name, value in {
        "OCI_REGISTRY_PULL_SECRET": auth,
        "GEMINI_API_KEY": CANARY,
        "HTTPS_PROXY": f"http://me:{CANARY}@127.0.0.1:9",
        "NO_PROXY": f"x,http://me:{CANARY}@host",
        "REGISTRY_AUTH_FILE": str(here / "auth.json"),
        "KUBECONFIG": str(here / "k"),
    }.items():
        monkeypatch.setenv(name, value)
    for form in ("text", "json"):
        agent.main(["doctor", "--format", form])
        out, err = capsys.readouterr()
        assert CANARY not in out + err and login not in out + err
        assert "OCI_REGISTRY_PULL_SECRET is set" in out and "generativelanguage" in out
        assert f"{here}/auth.json" in out.replace("~/", f"{here}/home/")


def test_a_narrow_terminal_cuts_at_words_and_a_pipe_has_a_line_each() -> None:
    row = missing("QA image", "quay.io/x/y:1 is pulled at the first QA", "podman pull quay.io/x/y:1")
    whole = doctor.line(row)
    assert whole == (
        "missing  QA image         quay.io/x/y:1 is pulled at the first QA; podman pull quay.io/x/y:1"
    )
    assert doctor.line(row, 200) == whole
    assert doctor.line(row, 60).splitlines() == [
        "missing  QA image         quay.io/x/y:1 is pulled at the",
        "                          first QA",
        "                          podman pull quay.io/x/y:1",
    ]


def test_the_last_crash_is_named(here: Path) -> None:
    assert told(doctor_here.last_crash)["last crash"].state is State.OK
    for name in ("20260101-1", "20260102-1"):
        (here / "s" / "runs" / name).mkdir(parents=True)
    (here / "s" / "runs" / "20260101-1" / "crash.txt").write_text("x")
    row = told(doctor_here.last_crash, "--state-dir", str(here / "s"))["last crash"]
    assert row.state is State.WARNING and row.fix.startswith(f"send us {here}/s/runs/20260101-1/crash.txt")


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ('ID="rhel"\nID_LIKE="fedora"\n', "dnf install one"),
        ('ID=rocky\nID_LIKE="rhel centos fedora"\n', "dnf install one"),
        ("ID=debian\n", "apt install two"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", "apt install two"),
        ("ID=void\n", "install the package one"),
        (None, "install the package one"),
    ],
)
def test_packages_have_the_names_of_the_system(tmp_path: Path, release: str | None, command: str) -> None:
    path = tmp_path / "os-release"
    if release is not None:
        path.write_text(release)
    assert install("one", "two", release=path).removeprefix("sudo ") == command


def test_libraries_that_are_not_as_asked_for_stop_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["textual==0.1", "no-such-library>=1", "httpx>=0.1", "skipped>1; extra == 'web'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda _: asked)
    row = told(doctor_here.python)["libraries"]
    assert (row.state, row.stops) == (State.FAULT, 2)
    assert "textual==0.1 (" in row.what and "no-such-library>=1 (not there)" in row.what
    assert "httpx" not in row.what and "skipped" not in row.what
