"""What is read out of the suite's sources, and the table that is made of it."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.qa.suite_facts import (
    Option,
    SuiteFacts,
    branches,
    facts_of,
    in_order,
    known_tags,
    nearest_with_test,
    suffixes,
    suite_namespaces,
    tag_of,
)
from modelcar_tui.qa.suite_source import read_source
from support import suite_tree

TOOL = Path(__file__).parents[3] / "tools" / "suite_facts.py"
DOCS = Path(__file__).parents[3] / "docs" / "qa.md"
OLD = "tests/model_serving/model_runtime/model_validation/test_modelvalidation.py"


@pytest.mark.parametrize("branch", branches())
def test_sources_that_say_what_a_branch_does_are_read_as_that_branch(branch: str) -> None:
    facts = branches()[branch]
    read = read_source(suite_tree.sources(facts), facts.test)
    assert read == msgspec.structs.replace(facts, commit="")


def test_the_table_says_what_was_wrong_of_single_branches() -> None:
    table = branches()
    assert not table["2.23"].reads_arguments and table["2.24"].reads_arguments
    assert table["2.25"].test == "" and "--model_car_yaml_path" not in table["2.25"].options
    for branch in ("2.23", "2.24"):
        assert table[branch].namespaces == ("raw-model-validation", "serverless-model-validation")
        assert not table[branch].reads_output_type
    for branch in ("3.3", "3.5ea1"):
        assert table[branch].registries and table[branch].namespaces == ("raw-model-validation",)
    assert {name for name, facts in table.items() if facts.repeats_registries} == {"3.4ea1", "3.4ea2"}
    assert {name for name, facts in table.items() if not facts.sets_kserve} == {
        "2.25",
        "3.4",
        "3.5ea2",
        "3.5",
        "main",
    }


def test_formatting_and_help_texts_decide_nothing() -> None:
    one_line = 'p.addoption("--registry-host", help="may be repeated, append", action="store")'
    several = 'p.addoption(\n    "--registry-host",\n\n    help="""one\nonly""",\n    action="append",\n)'
    for text, action in ((one_line, "store"), (several, "append")):
        assert read_source({"conftest.py": text}).options == {"--registry-host": Option(action=action)}


@pytest.mark.parametrize("text", ["", "\x00", "def (", "x = " + "(" * 5_000, "é" * 10, "- [" * 300])
def test_files_that_are_no_python_say_nothing(text: str) -> None:
    files = {"conftest.py": text, OLD: text, "tests/conftest.py": text, "pyproject.toml": text}
    assert read_source(files, OLD) == SuiteFacts(test=OLD)


def test_odd_source_is_read_in_silence() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        read = read_source({"conftest.py": 'p.addoption("--registry-host")\nx = "\\d" is "\\w"'})
    assert list(read.options) == ["--registry-host"]
    assert said == []


@pytest.mark.parametrize("name", ["X;reboot", "a b", "lower", "PATH\n", "9X"])
def test_what_is_no_variable_never_comes_into_the_shell_file(name: str) -> None:
    quoted = name.encode("unicode_escape").decode()
    beside = str(Path(OLD).with_name("constant.py"))
    text = f'R = M(host="h.test", cli_option="--h-registry", env_var="{quoted}")'
    option = f'p.addoption("--registry-pull-secret", default=os.environ.get("{quoted}"))'
    read = read_source({beside: text, "conftest.py": option}, OLD)
    assert read.registries["h.test"].variable == ""
    assert {one.variable for one in read.options.values()} == {""}


@pytest.mark.parametrize("name", ["../kube-system", "a b", "X", "-a", "a/b", "kube$(reboot)"])
def test_what_is_no_name_of_a_namespace_never_comes_into_a_command(name: str) -> None:
    beside = str(Path(OLD).with_name("conftest.py"))
    text = f'def build(x):\n    return pytest.param({{"name": "{name}"}}, id=f"{{x}}-{name}")'
    read = read_source({beside: text}, OLD)
    assert (read.namespaces, read.suffixes) == ((), ())


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("quay.io/opendatahub/opendatahub-tests:3.2", "3.2"),
        ("quay.io/opendatahub/opendatahub-tests@sha256:aa", ""),
        ("registry.example.test/opendatahub-tests:3.2", ""),
        ("mine:1", ""),
    ],
)
def test_only_the_suite_s_own_repository_has_known_tags(image: str, tag: str) -> None:
    assert tag_of(image) == tag
    assert facts_of(image) == (branches()["3.2"] if tag else None)


def test_an_image_without_a_tag_is_the_newest_as_it_is_for_podman() -> None:
    assert tag_of("quay.io/opendatahub/opendatahub-tests") == "latest"


def test_latest_is_main_and_a_tag_that_nobody_knows_is_none() -> None:
    assert facts_of("quay.io/opendatahub/opendatahub-tests:latest") == branches()["main"]
    assert facts_of("quay.io/opendatahub/opendatahub-tests:9.9") is None
    assert "main" not in known_tags() and "latest" in known_tags()


@pytest.mark.parametrize(
    ("tag", "near"), [("2.25", "2.24"), ("2.20", "2.23"), ("3.1", "3.0"), ("3.4", "3.4ea2"), ("9.9", "3.5")]
)
def test_nearest_release_with_a_test_is_an_older_one_where_there_is_one(tag: str, near: str) -> None:
    assert nearest_with_test(tag) == near


def test_releases_stand_in_their_order_with_main_last() -> None:
    names = list(branches())
    assert names == sorted(names, key=in_order)
    assert names[-1] == "main" and names.index("3.4ea2") < names.index("3.4")


def test_of_a_suite_that_nobody_knows_every_namespace_is_named() -> None:
    assert set(suite_namespaces(None)) == {
        f"{mode}-model-validation" for mode in ("raw", "serverless", "standard")
    }
    assert suite_namespaces(branches()["3.2"]) == ("raw-model-validation",)
    assert set(suffixes()) == {"raw", "serverless", "standard"}


def test_operators_table_says_of_each_tag_what_the_derived_table_says() -> None:
    text = DOCS.read_text()
    rows = [line.split(" | ") for line in text.splitlines() if re.match(r"\| \d\.\d", line)]
    told = {tag.strip("| "): row[1:] for row in rows for tag in row[0].split(", ")}
    assert set(told) == set(known_tags())
    for tag, cells in told.items():
        facts = branches()["main" if tag == "latest" else tag]
        if not facts.test:
            assert "no test of model cars" in cells[0]
            continue
        names = cells[0].replace("-, ", "-model-validation, ").split(", ")
        assert tuple(names) == facts.namespaces
        assert cells[1] == ("yes" if facts.sets_kserve else "no")
        several = "three known ones" if facts.registries else ("any" if facts.repeats_registries else "no")
        assert cells[2] == several
        assert cells[3].startswith("read") == facts.reads_arguments


def checkout(folder: Path, *names: str) -> Path:
    """A Git repository with branches of the stand-in's sources."""

    def git(*words: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@t.test")
        subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)

    folder.mkdir()
    git("init", "-q", "-b", names[0])
    for name in names:
        git("checkout", "-q", "-B", name)
        git("rm", "-rqf", "--ignore-unmatch", ".")
        suite_tree.write(folder, name)
        git("add", ".")
        git("commit", "-qm", name, "--allow-empty")
    return folder


def check(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(TOOL), str(folder), "--check"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_check_says_whether_a_checkout_still_agrees(tmp_path: Path) -> None:
    repository = checkout(tmp_path / "same", *branches())
    status, said = check(repository)
    assert (status, said.strip()) == (0, "13 branches, 0 differences from the table")
    (repository / "pyproject.toml").write_text('requires-python = "==3.99.*"\n')
    who = ("-c", "user.name=t", "-c", "user.email=t@t.test")
    subprocess.run(["git", "-C", str(repository), *who, "commit", "-qam", "new"], check=True)
    status, said = check(repository)
    assert status == 1
    assert 'python is "==3.99.*", in the table "==3.14.*"' in said


def test_check_of_a_folder_that_is_no_checkout_is_one_clear_line(tmp_path: Path) -> None:
    status, said = check(tmp_path)
    assert status == 2
    assert said.strip() == f"{tmp_path}: no release branch of the suite; git fetch its branches first"
