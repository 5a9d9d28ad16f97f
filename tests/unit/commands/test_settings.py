"""Settings stand for options: the same names and checks, and the nearest source counts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui import agent
from modelcar_tui.commands import start
from modelcar_tui.commands.options import settings_fields
from modelcar_tui.commands.preferences import look, take
from modelcar_tui.commands.values import CHECKS, count, gpu_flag, port, user_id
from modelcar_tui.core.config_file import read_config
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.settings_table import KEYS, Kind, variable_of
from modelcar_tui.supervisor import Settings

PER_RUN = {
    *("help", "version", "manifest", "resume", "replay", "demo", "force", "headless", "config", "approve"),
    *("serve_line", "from_cluster"),
    *("command", "form", "reports", "web", "web_port", "picture", "size", "screen"),
    *("runs", "speed"),
}
"""What describes one run, and stands in no file."""
ALL = """\
theme = "ansi"
ascii = "always"
mouse = false
low-bandwidth = true
profile = "prod"
context = "dev"
kubeconfig = "/k/one:/k/two"
namespace = "models"
gpus = ["L40S:4", "H200:2@3"]
inventory = "/nodes.json"
vllm = "0.11.0"
objective = "context"
patch = true
timeout = 600

[paths]
state-dir = "/state"
cache-dir = "/cache"
data-dir = "/data"

[runs]
keep-days = 30
keep-size = "500MiB"

[registry]
authfile = "/auth.json"
registries-conf = "/registries.conf"

[qa]
enabled = false
image = "quay.io/org/suite:1"
timeout = 90.5
engine = "kubernetes"
namespace = "qa"
service-account = "runner"
run-as = 1000
image-pull-secrets = ["pull", "other"]
arch = "arm64"
tolerations = ["gpu=yes:NoSchedule"]
queue = "user-queue"
parallel = 2
network = "host"
memory = "4g"
pull = "never"

[llm]
allowed-hosts = ["vllm.example:8000"]
refused-hosts = ["api.example"]
enabled = false
model = "openai:granite"
url = "http://localhost:8000/v1"
wait = 4

[profiles.prod]
context = "prod"
kubeconfig = "~/.kube/prod"
qa.image = "quay.io/org/suite:prod"
[profiles.lab]
gpus = ["L4:1"]
[profiles.lab.qa]
enabled = true
"""


def parsed(*words: str, program: Any = start) -> argparse.Namespace:
    args: argparse.Namespace = program.parser().parse_args(words)
    return args


def actions() -> dict[str, argparse.Action]:
    return {word: one for one in start.parser()._actions for word in one.option_strings}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "c.toml"
    path.write_text(ALL)
    return {"MODELCAR_TUI_CONFIG": str(path)}


def taken(environ: dict[str, str], *words: str, program: Any = start) -> dict[str, Any]:
    args = parsed(*words, program=program)
    take(args, environ)
    return settings_fields(args)


def problems(environ: dict[str, str], *words: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        take(parsed("x.yaml", *words), environ)
    return [str(one) for one in caught.value.problems]


@pytest.mark.parametrize("name", KEYS)
def test_a_setting_is_checked_as_its_option_is(name: str) -> None:
    key = KEYS[name]
    if not key.option:
        folders, hosts = ("paths.cache-dir", "paths.data-dir"), ("llm.allowed-hosts", "llm.refused-hosts")
        assert name in (*folders, *hosts, "runs.keep-days", "runs.keep-size")
        return
    action = actions()[key.option]
    assert action.dest == key.dest
    assert action.type in (None, CHECKS.get(name))
    if name not in ("theme", "ascii"):
        assert tuple(action.choices or ()) == key.choices
    assert (action.nargs == 0) == (key.kind is Kind.TRUTH or name == "ascii")


def test_every_option_is_a_setting_or_describes_one_run() -> None:
    of_settings = {key.dest for key in KEYS.values()}
    for parser in (start.parser(), agent.parser()):
        for action in parser._actions:
            assert (action.dest in of_settings) != (action.dest in PER_RUN), action.dest


def test_each_default_is_the_one_of_a_run() -> None:
    plain = Settings(manifest="")
    for name, key in KEYS.items():
        if key.dest in Settings.__struct_fields__ and key.default is not None:
            assert getattr(plain, key.dest) == key.default, name


def test_variables_are_all_different() -> None:
    assert len({variable_of(name) for name in KEYS} | {"MODELCAR_TUI_CONFIG"}) == len(KEYS) + 1
    assert variable_of("qa.image-pull-secrets") == "MODELCAR_TUI_QA_IMAGE_PULL_SECRETS"


def test_every_setting_can_stand_in_the_file(environ: dict[str, str]) -> None:
    found = read_config(environ)
    assert found.problems == () and set(found.given) == set(KEYS)
    assert set(found.profiles) == {"prod", "lab"}


def test_what_the_file_says_a_run_is_asked_to_do(environ: dict[str, str]) -> None:
    path = Path(environ["MODELCAR_TUI_CONFIG"])
    path.write_text(path.read_text().replace('profile = "prod"', ""))
    fields = taken(environ, "x.yaml")
    fields.pop("who")
    assert environ["MODELCAR_TUI_STATE_DIR"] == "/state" and environ["MODELCAR_TUI_CACHE_DIR"] == "/cache"
    assert environ["MODELCAR_TUI_DATA_DIR"] == "/data"
    kept = environ["MODELCAR_TUI_RUNS_KEEP_DAYS"], environ["MODELCAR_TUI_RUNS_KEEP_SIZE"]
    assert kept == ("30", "500MiB")
    assert fields == {
        "kube_context": "dev",
        "kubeconfig": "/k/one:/k/two",
        "namespace": "models",
        "gpus": ("L40S:4", "H200:2@3"),
        "inventory": "/nodes.json",
        "vllm_version": "0.11.0",
        "objective": "context",
        "patch": True,
        "timeout_s": 600,
        "authfile": "/auth.json",
        "registries_conf": "/registries.conf",
        "qa": False,
        "qa_image": "quay.io/org/suite:1",
        "qa_timeout_s": 90.5,
        "qa_engine": "kubernetes",
        "qa_namespace": "qa",
        "qa_service_account": "runner",
        "qa_run_as": 1000,
        "qa_image_pull_secrets": ("pull", "other"),
        "qa_arch": "arm64",
        "qa_tolerations": ("gpu=yes:NoSchedule",),
        "qa_queue": "user-queue",
        "qa_parallel": 2,
        "qa_network": "host",
        "qa_memory": "4g",
        "qa_pull": "never",
        "llm": False,
        "model": "openai:granite",
        "model_url": "http://localhost:8000/v1",
        "llm_wait_s": 4,
    }


def test_the_nearest_source_counts_and_is_named(environ: dict[str, str]) -> None:
    path = environ["MODELCAR_TUI_CONFIG"]
    chosen = look(parsed("x.yaml"), environ).chosen
    assert (chosen["qa.image"].value, chosen["qa.image"].source) == (
        "quay.io/org/suite:prod",
        f"profile prod, {path}:57",
    )
    assert (chosen["qa.engine"].value, chosen["qa.engine"].source) == ("kubernetes", f"{path}:33")
    assert chosen["kubeconfig"].value == str(Path("~/.kube/prod").expanduser())
    environ["MODELCAR_TUI_QA_IMAGE"] = "quay.io/org/suite:env"
    chosen = look(parsed("x.yaml"), environ).chosen
    assert chosen["qa.image"].source == "environment MODELCAR_TUI_QA_IMAGE"
    fields = taken(environ, "x.yaml", "--qa-image", "quay.io/org/suite:typed", "--qa", "--no-patch")
    assert (fields["qa_image"], fields["qa"], fields["patch"]) == ("quay.io/org/suite:typed", True, False)


_TWO = {
    **dict.fromkeys(("qa.tolerations",), ("a=b:NoSchedule", "c:NoExecute")),
    "gpus": ("L40S:4", "L4:1"),
    "vllm": ("0.11.0", "0.12.0"),
    "llm.model": ("openai:a", "openai:b"),
    "llm.url": ("http://localhost:1/v1", "http://localhost:2/v1"),
    "qa.memory": ("4g", "5g"),
    "runs.keep-size": ("500MiB", "2GiB"),
}
"""Of settings whose text has a form, two values."""


def two(name: str) -> tuple[Any, Any]:
    """Two values of a setting, as its variable says them."""
    key = KEYS[name]
    of_kind = {
        Kind.TRUTH: ("true", "false"),
        Kind.PATH: ("/one", "/two"),
        Kind.PATHS: ("/one", "/two:/three"),
        Kind.SECONDS: ("60", "90"),
        Kind.WHOLE: ("7", "8"),
    }
    return key.choices[:2] or _TWO.get(name) or of_kind.get(key.kind, ("one", "two"))


def as_toml(name: str, word: str) -> str:
    kind = KEYS[name].kind
    if kind is Kind.TEXTS:
        return f'["{word}"]'
    return word if kind in (Kind.TRUTH, Kind.SECONDS, Kind.WHOLE) else f'"{word}"'


@pytest.mark.parametrize("name", [name for name, key in KEYS.items() if key.in_profiles])
def test_of_every_setting_the_nearer_source_counts(name: str, environ: dict[str, str]) -> None:
    """File, profile, variable: each takes the place of the one before; an empty variable says nothing."""
    one, other = two(name)
    path = Path(environ["MODELCAR_TUI_CONFIG"])

    def source() -> tuple[Any, int]:
        found = look(parsed("x.yaml"), environ)
        assert found.problems == ()
        return found.chosen[name].value, found.chosen[name].nearness

    path.write_text("")
    default = source()
    path.write_text(f"{name} = {as_toml(name, one)}\n")
    file = source()
    path.write_text(
        f'profile = "p"\n{name} = {as_toml(name, one)}\nprofiles.p.{name} = {as_toml(name, other)}\n'
    )
    profile = source()
    environ[variable_of(name)] = ""
    assert source() == profile
    environ[variable_of(name)] = one
    variable = source()
    assert [default[1], file[1], profile[1], variable[1]] == [4, 3, 2, 1]
    assert file[0] == variable[0] != profile[0]


@pytest.mark.parametrize("way", ["option", "variable", "file"])
def test_a_profile_is_chosen_by_the_option_the_variable_or_the_file(
    environ: dict[str, str], way: str
) -> None:
    words = ("--profile", "lab") if way == "option" else ()
    if way == "variable":
        environ["MODELCAR_TUI_PROFILE"] = "lab"
    for program, first in ((start, "x.yaml"), (agent, "accelerator")):
        fields = taken(dict(environ), first, *words, program=program)
        if way == "file":
            assert fields["kube_context"] == "prod"
        else:
            # The profile looks at stated GPUs: the cluster of the file is not what it is about.
            assert fields["gpus"] == ("L4:1",) and "inventory" not in fields


def test_a_profile_that_there_is_not_is_one_line_with_those_that_there_are(environ: dict[str, str]) -> None:
    (line,) = problems(environ, "--profile", "porduction")
    assert line == '--profile: there is no profile "porduction"; there are prod, lab'
    environ["MODELCAR_TUI_PROFILE"] = "x\x1b[2J"
    (line,) = problems(environ)
    assert line.startswith("MODELCAR_TUI_PROFILE: ") and line.isprintable()
    Path(environ["MODELCAR_TUI_CONFIG"]).write_text('profile = "a"\n')
    del environ["MODELCAR_TUI_PROFILE"]
    (line,) = problems(environ)
    assert line.startswith(f'{environ["MODELCAR_TUI_CONFIG"]}:1: there is no profile "a"; write a table [')


@pytest.mark.parametrize(
    ("words", "gpus", "inventory", "context", "kubeconfig"),
    [
        ((), ("L40S:4",), "/n.json", "dev", "/k"),
        (("--context", "prod"), (), None, "prod", "/k"),
        (("--kubeconfig", "/other"), (), None, None, "/other"),
        (("--gpu", "L4:1"), ("L4:1",), None, "dev", "/k"),
        (("--inventory", "/mine.json"), (), "/mine.json", "dev", "/k"),
    ],
    ids=str,
)
def test_what_is_looked_at_is_said_by_one_source(
    environ: dict[str, str],
    words: tuple[str, ...],
    gpus: tuple[str, ...],
    inventory: str | None,
    context: str | None,
    kubeconfig: str,
) -> None:
    text = 'gpus = ["L40S:4"]\ninventory = "/n.json"\ncontext = "dev"\nkubeconfig = "/k"\n'
    Path(environ["MODELCAR_TUI_CONFIG"]).write_text(text)
    fields = taken(environ, "x.yaml", *words)
    assert (fields["gpus"], fields.get("inventory")) == (gpus, inventory)
    assert (fields.get("kube_context"), fields["kubeconfig"]) == (context, kubeconfig)


def test_a_demo_hears_how_it_is_shown_and_where_it_is_kept_alone(environ: dict[str, str]) -> None:
    fields = taken(environ, "--demo")
    fields.pop("who")
    lists = ("gpus", "qa_image_pull_secrets", "qa_tolerations")
    assert {name: value for name, value in fields.items() if name not in lists} == {
        "llm": False,
        "model": "openai:granite",
        "model_url": "http://localhost:8000/v1",
        "llm_wait_s": 4,
    }
    assert not any(fields[name] for name in lists)


def test_commands_over_a_run_that_was_keep_what_it_had(environ: dict[str, str]) -> None:
    asked = parsed("ask", "last", "why?", program=agent)
    take(asked, environ)
    assert asked.vllm_version is None and asked.llm is False
    cleanup = parsed("cleanup", "last", program=agent)
    take(cleanup, environ)
    assert cleanup.kubeconfig is None and cleanup.kube_context is None
    cases = parsed("estimate", "--cases", "c.yaml", program=agent)
    take(cases, environ)
    assert cases.vllm_version is None and cases.authfile is None
    one = parsed("estimate", "m", "--gpu", "L4", program=agent)
    take(one, environ)
    assert one.vllm_version == "0.11.0" and one.gpu == ["L4"]


def test_a_run_that_is_resumed_keeps_its_own_options(environ: dict[str, str]) -> None:
    own = Settings(
        manifest="m.yaml", kube_context="then", objective="gpus", qa_image="quay.io/org/suite:then"
    )
    given = Settings(manifest="", **taken(environ, "--resume", "last"))
    assert given.kube_context == "prod" and given.llm is False
    assert own.for_resume(given) == msgspec.structs.replace(own, llm=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("timeout = 0", "1: timeout: 0: give seconds, more than 0"),
        ('timeout = "soon"', '1: timeout: "soon" is no number; write a number, without quotes'),
        ("timeout = true", "1: timeout: true is no number; write a number, without quotes"),
        ("qa.parallel = 101", "1: qa.parallel: 101: give a number from 1 to 100"),
        ("qa.run-as = 0", "1: qa.run-as: 0: give a user's number, such as 1000; root can't be"),
        ("qa.run-as = 1.5", "1: qa.run-as: a number is no whole number; write a number, without quotes"),
        ('gpus = "L40S:4"', '1: gpus: "L40S:4" is no list of texts; write ["...", "..."]'),
        ('gpus = ["L40S"]', '1: gpus: "L40S": is not PRODUCT:COUNT[@NODES]'),
        ('qa.arch = "X Y"', '1: qa.arch: "X Y": give a name of small letters, digits, - and .'),
        ('qa.engine = "docker"', '1: qa.engine: "docker" is none of podman, kubernetes'),
        ('context = ""', '1: context: "" is no text; write it in quotes'),
        ('kubeconfig = "a:b"', '1: kubeconfig: "a:b" is no whole path; write one that begins with / or ~'),
        ('[profiles]\nprod = "x"', "2: profiles.prod: this is no table; a profile is a table"),
        ('[profiles.a]\nprofile = "b"', "2: profiles.a.profile: no setting of a profile; put profile"),
        ('[profiles.a.qa]\nimagee = "b"', "2: profiles.a.qa.imagee: no such setting; did you mean qa.image?"),
        ('[profiles.a.keys]\nreview = "c"', "1: profiles.a.keys: no such setting; put [keys]"),
        ('[profiles.a]\ntoken = "hunter2"', "2: profiles.a.token: no secret belongs in this file"),
        ("profiles = 1", "1: profiles: no such setting; it is a table: [profiles.NAME]"),
        ('namespace = "a\\u001b[2Jb"', '1: namespace: "ab" can\'t be printed; write it anew'),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_one_line(environ: dict[str, str], text: str, says: str) -> None:
    path = environ["MODELCAR_TUI_CONFIG"]
    Path(path).write_text(text)
    (line,) = problems(environ)
    assert line.removeprefix(f"{path}:").startswith(says), line


@pytest.mark.parametrize(
    "text",
    [
        'llm.url = "https://me:hunter2hunter2@host/v1"',
        'qa.image = "me:hunter2hunter2@quay.io/x/y"',
        'context = "sha256~hunter2hunter2hunter2hunter2hunter2hunter2hun"',
        'gpus = ["https://me:hunter2hunter2@host"]',
        '[profiles.p]\nllm.url = "https://h/v1?token=hunter2hunter2hunter2"',
        'paths.state-dir = "/runs/sha256~hunter2hunter2hunter2hunter2hunter2hunter2hun"',
        'paths.cache-dir = "sha256~hunter2hunter2hunter2hunter2hunter2hunter2hun"',
        'kubeconfig = "~/config:/kube/sha256~hunter2hunter2hunter2hunter2hunter2hunter2hun"',
        '[profiles.p]\nregistry.authfile = "/auth/password=hunter2hunter2x9"',
    ],
)
def test_a_value_that_holds_a_secret_is_refused_and_not_repeated(environ: dict[str, str], text: str) -> None:
    Path(environ["MODELCAR_TUI_CONFIG"]).write_text(text)
    (line,) = problems(environ)
    assert "hunter2" not in line and "secret" in line


@pytest.mark.parametrize("name", ["KUBECONFIG", "CACHE_DIR", "REGISTRY_AUTHFILE", "QA_IMAGE"])
def test_a_variable_that_holds_a_secret_is_refused_and_not_repeated(
    environ: dict[str, str], name: str
) -> None:
    environ[f"MODELCAR_TUI_{name}"] = "here/sha256~hunter2hunter2hunter2hunter2hunter2hunter2hun"
    (line,) = problems(environ)
    assert line.startswith(f"MODELCAR_TUI_{name}: ") and "hunter2" not in line and "secret" in line


def test_variables_are_checked_too_and_read_as_lists_and_numbers(environ: dict[str, str]) -> None:
    Path(environ["MODELCAR_TUI_CONFIG"]).write_text("")
    environ |= {
        "MODELCAR_TUI_GPUS": "L40S:4, H200:2",
        "MODELCAR_TUI_QA_TIMEOUT": "90",
        "MODELCAR_TUI_QA_RUN_AS": "1000",
        "MODELCAR_TUI_LLM_ENABLED": "off",
        "MODELCAR_TUI_KUBECONFIG": "here/config",
    }
    fields = taken(environ, "x.yaml")
    assert fields["gpus"] == ("L40S:4", "H200:2") and fields["qa_timeout_s"] == 90
    assert (fields["qa_run_as"], fields["llm"], fields["kubeconfig"]) == (1000, False, "here/config")
    environ |= {"MODELCAR_TUI_QA_PARALLEL": "many", "MODELCAR_TUI_TIMEOUT": "-1"}
    assert problems(environ) == [
        "MODELCAR_TUI_TIMEOUT: -1.0: give seconds, more than 0",
        'MODELCAR_TUI_QA_PARALLEL: "many" is no whole number; write a number, without quotes',
    ]


def test_a_number_of_too_many_digits_is_one_line(environ: dict[str, str]) -> None:
    many = "9" * 5000
    environ["MODELCAR_TUI_QA_PARALLEL"] = many
    (line,) = problems(environ)
    assert line.startswith("MODELCAR_TUI_QA_PARALLEL: ") and "is no whole number" in line and len(line) < 200
    for check, text in ((count, many), (user_id, many), (gpu_flag, f"L40S:{many}"), (port, many)):
        with pytest.raises(argparse.ArgumentTypeError):
            check(text)
