"""`agent doctor`: each thing by itself, what hangs or dies costs its own line, and no secret is told."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shlex
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement

from modelcar_tui import agent
from modelcar_tui.commands import doctor, doctor_here, doctor_outside
from modelcar_tui.commands.doctor_rows import Patient, Row, State, install, missing, ok
from modelcar_tui.commands.preferences import look
from modelcar_tui.core import installing
from modelcar_tui.core.config_file import typed
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
    assert server.fix.startswith("check host and port")
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


def test_a_full_disk_and_a_read_only_one_stop_runs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - 9, 9))
    rows = told(doctor_here.folders)
    assert (rows["state folder"].state, rows["state folder"].stops) == (State.FAULT, 2)
    assert "only 0 MiB are free" in rows["state folder"].what and rows["cache folder"].stops == 0
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    row = told(doctor_here.folders)["state folder"]
    assert row.what.endswith("mounted read-only") and row.fix == "name another with --state-dir"


def test_the_mode_of_anothers_folder_is_not_ours_to_change(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("os.geteuid", lambda: here.stat().st_uid + 1)
    assert told(doctor_here.folders)["state folder"].fix == "name another with --state-dir"


def test_a_command_holds_a_path_as_one_word(here: Path) -> None:
    (here / "my folder").mkdir()
    (here / "my folder").chmod(0o777)
    row = told(doctor_here.folders, "--state-dir", str(here / "my folder"))["state folder"]
    assert shlex.split(row.fix) == ["chmod", "go-w", str(here / "my folder")]
    auth = here / "it's auth.json"
    auth.write_text('{"auths": {"quay.io": {"auth": "dTpw"}}}')
    auth.chmod(0o644)
    row = doctor_outside._auth_file(auth)
    assert shlex.split(row.fix) == ["chmod", "600", str(auth)]
    assert typed(str(here / "home" / "plain")) == "~/plain"


def test_an_environment_without_pip_is_mended_by_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    for module in (doctor_here, installing):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name in ("pip", "mcp") else found(name))
    fix = {row.name: row for row in doctor_here.extras(patient())}["extra mcp"].fix
    words = ["uv", "pip", "install", "--python", os.path.expanduser(sys.executable)]
    *told, what = (os.path.expanduser(word) for word in shlex.split(fix))
    assert told == words and Requirement(what).name == "mcp"


@pytest.mark.parametrize(
    ("value", "state", "shown"),
    [
        ("proxy.example:3128", State.OK, "http://proxy.example:3128"),
        ("http://me:secret@proxy.example:3128", State.OK, "http://proxy.example:3128"),
        ("socks5://proxy.example:1080", State.WARNING, "socks5://proxy.example:1080: registries take none"),
        ("ftp://proxy.example", State.FAULT, "is no address with http://, https:// or socks5:// and a host"),
        ("http://", State.FAULT, "is no address"),
    ],
)
def test_a_proxy_is_judged_as_clients_take_it(
    value: str, state: State, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", value)
    monkeypatch.setenv("NO_PROXY", ".cluster.example,10.0.0.0/8")
    rows = told(doctor_here.proxies)
    assert rows["https_proxy"].state is state and rows["https_proxy"].what.startswith(shown)
    assert rows["NO_PROXY"].what == ".cluster.example,10.0.0.0/8"


def test_the_small_letters_of_a_proxy_come_first_as_they_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://large.example:1")
    monkeypatch.setenv("https_proxy", "http://small.example:1")
    assert list(told(doctor_here.proxies)) == ["https_proxy", "HTTPS_PROXY"]


def test_ids_for_containers_are_nobody_elses(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "subuid").write_text("anna:100000:65536\nodd line\n:x:y\n")
    (here / "subgid").write_text("ben:165536:65536\n")
    monkeypatch.setattr(doctor_outside, "_SUBORDINATE", (here / "subuid", here / "subgid", here / "none"))
    (row,) = doctor_outside._ids([{"size": 1}])
    assert "--add-subuids 231072-296607 --add-subgids 231072-296607 " in row.fix


@pytest.mark.parametrize(
    ("version", "state"),
    [("4.2.0", State.FAULT), ("3.4", State.FAULT), ("4.3.1", State.OK), ("10.0", State.OK), ("x", State.OK)],
)
def test_a_podman_that_is_too_old_for_qa_is_said(here: Path, version: str, state: State) -> None:
    info = {**INFO, "version": {"Version": version}}
    program(here, "podman", f"""case "$1" in info) echo '{json.dumps(info)}';; esac""")
    row = told(doctor_outside.podman)["podman"]
    assert (row.state, row.stops) == (state, 0) and row.what.startswith(version)


def test_a_model_that_is_none_is_said_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELCAR_TUI_LLM_MODEL", "foo:bar")
    row = told(doctor_here.model_key)["language model"]
    assert row.state is State.FAULT
    assert row.what.startswith("environment MODELCAR_TUI_LLM_MODEL: 'foo:bar' is no language model")


@pytest.mark.parametrize(
    ("text", "state", "told_of_it", "fix"),
    [
        ("", State.MISSING, "is not allowed yet, so none is asked", "agent config --allow vllm.example"),
        ('allowed-hosts = ["vllm.example"]', State.OK, "openai:m at vllm.example, allowed", ""),
        ('refused-hosts = ["vllm.example"]', State.OK, "was refused, so none is asked", ""),
    ],
)
def test_whether_a_model_may_be_asked_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, state: State, told_of_it: str, fix: str
) -> None:
    pytest.importorskip("langchain_openai")
    config = tmp_path / "c.toml"
    config.write_text(f'[llm]\nmodel = "openai:m"\nurl = "https://vllm.example/v1"\n{text}\n')
    monkeypatch.setenv("MODELCAR_TUI_CONFIG", str(config))
    row = told(doctor_here.model_key)["language model"]
    assert (row.state, row.fix) == (state, fix) and told_of_it in row.what


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
    assert shlex.split(row.fix)[-2:] == ["textual==0.1", "no-such-library>=1"]
