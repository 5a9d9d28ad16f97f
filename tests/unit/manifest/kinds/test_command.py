"""What a container starts, from its command, its arguments and its scripts."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from modelcar_tui.manifest.kinds.command import CommandLine, command_line
from modelcar_tui.manifest.kinds.places import ListPart
from modelcar_tui.manifest.kinds.pods import environment_of
from modelcar_tui.manifest.spans import Mapping, compose_all
from modelcar_tui.manifest.telling import Told

HERE = ("spec", "containers", 0)


def read(text: str, **more: str) -> tuple[CommandLine, Told]:
    root = compose_all(text).root
    assert isinstance(root, Mapping)
    told = Told("pod.yaml", root)
    return command_line(root, HERE, dict(environment_of(root)), told, **more), told


def spelled(line: CommandLine) -> list[str]:
    """The arguments as they stand in the file, by the places of the parts."""
    found: list[str] = []
    for part in line.parts:
        if isinstance(part, ListPart):
            found += [part.seq.items[index].value for index in part.items]  # type: ignore[attr-defined]
        else:
            found += [part.node.value[start:end] for start, end in part.spans]
    return found


def script(text: str, *rest: str, env: str = "[]", image: str = "registry.example/x:1") -> str:
    """A container whose shell gets a script."""
    body = "".join(f"      {line}\n" for line in text.split("\n"))
    items = "".join(f"  - '{item}'\n" for item in rest)
    return f"image: {image}\nenv: {env}\ncommand: [/bin/bash, -c]\nargs:\n  - |-\n{body}{items}"


LISTS = {
    "command: [vllm, serve, a/b, --port, '80']": ("vllm serve", "a/b", "--port 80", "command"),
    "command: [/opt/venv/bin/vllm]\nargs: [serve, a/b, --x]": ("vllm serve", "a/b", "--x", "args"),
    "command: [vllm, serve]\nargs: [--model, a/b]": ("vllm serve", "a/b", "--model a/b", "args"),
    "command: [vllm, serve, --port, '80', a/b]": ("vllm serve", "a/b", "--port 80", "command"),
    "command: [vllm, serve, --enforce-eager, a/b]": ("vllm serve", "a/b", "--enforce-eager", "command"),
    "command: [vllm, serve, -O3, a/b]": ("vllm serve", "a/b", "-O3", "command"),
    "command: [vllm, serve, --sizes, '1', '2', a=b, --model, m]": (
        *("vllm serve", "m", "--sizes 1 2 a=b --model m", "command"),
    ),
    "command: [vllm, serve, --served-model-name, x, y]": (
        *("vllm serve", "", "--served-model-name x y", "command"),
    ),
    "command: [python3, -m, vllm.entrypoints.openai.api_server]\nargs: [--model=/mnt/models]": (
        *("api_server", "/mnt/models", "--model=/mnt/models", "args"),
    ),
    "command: [/usr/bin/python3.12, -u, -X, dev, -m, vllm.entrypoints.openai.api_server, --port=1]": (
        *("api_server", "", "--port=1", "command"),
    ),
    "command: [python, -m, vllm.entrypoints.cli.main, serve, a/b]": ("vllm serve", "a/b", "", "command"),
    "command: [python, -m, vllm_tgis_adapter]\nargs: [--model=/m]": (
        "api_server",
        "/m",
        "--model=/m",
        "args",
    ),
    "command: [uv, run, --no-sync, vllm, serve, a/b]": ("vllm serve", "a/b", "", "command"),
    "command: [env, A=1, tini, --, vllm, serve, a/b]": ("vllm serve", "a/b", "", "command"),
    "image: vllm/vllm-openai:v0.9.1\nargs: [--model, a/b]": ("vllm serve", "a/b", "--model a/b", "args"),
    "image: vllm/vllm-openai:v0.9.1": ("vllm serve", "", "", "args"),
    "image: r/rocm\nargs: [vllm, serve, a/b]": ("vllm serve", "a/b", "", "args"),
    "command: [vllm, serve, m, --port 8000, '--x=$(Y)']": (
        *("vllm serve", "m", "--port 8000 --x=$(Y)", "command"),
    ),
}


@pytest.mark.parametrize(("text", "expected"), LISTS.items())
def test_lists(text: str, expected: tuple[str, str, str, str]) -> None:
    line, told = read(text)
    program, model, words, grows = expected
    assert (line.program, line.model, " ".join(line.words)) == (program, model, words)
    assert line.grows == (*HERE, grows)
    assert spelled(line) == list(line.words)
    assert not line.open
    assert not told.faults
    assert (line.parent is not None) == (grows not in text)


def test_an_item_with_a_blank_is_one_word() -> None:
    assert read("command: [vllm, serve, m]\nargs: [--port 8000]")[0].words == ("--port 8000",)


def test_the_entrypoint_that_is_told() -> None:
    line, _ = read("image: r/x\nargs: [a/b, --model=c]", entrypoint="api_server")
    assert (line.program, line.model, line.words) == ("api_server", "c", ("a/b", "--model=c"))


ENV = "[{name: EXTRA, value: '--a 1  --b'}, {name: LEN, value: '4096'}, {name: NONE, value: ''}]"
SCRIPTS: dict[str, tuple[str, list[str]]] = {
    "vllm serve m --a --b=1": ("--a --b=1", []),
    "set -e\n# say so\nexec vllm serve m \\\n  --a \\\n  --b 1\n": ("--a --b 1", []),
    'vllm serve m --j=\'{"a": 1}\' --k "q w"': ('--j={"a": 1}|--k|q w', ["--j='{\"a\": 1}'", "--k", '"q w"']),
    "ray start --head && vllm serve m --a": ("--a", []),
    "nohup vllm serve m --a > ./log 2>&1 &\nwait": ("--a", []),
    "vllm serve m --a 2>&1 | tee ./log": ("--a", []),
    "cat > ./x <<EOF\nvllm serve other\nEOF\nvllm serve m --a": ("--a", []),
    "vllm serve m $EXTRA --c": ("--a 1 --b --c", []),
    "vllm serve m $NONE --max-model-len=${LEN}": ("--max-model-len=4096", ["--max-model-len=${LEN}"]),
    "vllm serve m --x ${OTHER:-7} --y=${LEN:-1}": ("--x 7 --y=4096", ["--x", "${OTHER:-7}", "--y=${LEN:-1}"]),
    'A=(--a\n  --b 1)\nvllm serve m "${A[@]}"': ("--a --b 1", []),
    'Q="--a 1"; vllm serve m $Q': ("--a 1", []),
    "Q='--a 1'\nQ=\"$Q --b\"\nQ+=' --c 2'\nvllm serve m $Q --d": ("--a 1 --b --c 2 --d", []),
    "Q='--n'\nQ=\"$Q $EXTRA\"\nvllm serve m $Q --d": ("--n --a 1 --b --d", []),
    'A=(--a)\nA=("${A[@]}" --b)\nvllm serve m "${A[@]}"': ("--a --b", []),
    'A=(--a)\nA+=(--b "1")\nvllm serve m "${A[@]}"': ("--a --b 1", ["--a", "--b", '"1"']),
    "[ -n x ] && echo y; vllm serve m --a": ("--a", []),
    'set -- --a; vllm serve m "$@"': ("--a", []),
    "vllm serve m --port $PORT --api-key ${KEY}": ("--port $PORT --api-key ${KEY}", []),
}


@pytest.mark.parametrize(("text", "expected"), SCRIPTS.items())
def test_scripts(text: str, expected: tuple[str, list[str]]) -> None:
    line, _ = read(script(text, env=ENV))
    words, written = expected
    assert (line.program, line.model, line.open) == ("vllm serve", "m", ())
    assert line.words == tuple(words.split("|" if "|" in words else None))
    assert spelled(line) == (written or list(line.words))
    grows = [part for part in line.parts if part.path == line.grows]
    assert grows
    assert not isinstance(grows[0], ListPart)
    assert grows[0].node.value[: grows[0].end].rstrip() == grows[0].node.value[: grows[0].end]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_gives_the_same_words(tmp_path: Path) -> None:
    """A stand-in for vLLM writes down what a real bash passes to it."""
    for name, body in {"vllm": 'printf "%s\\n" "$@" > got', "ray": ":"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "EXTRA": "--a 1  --b", "LEN": "4096", "NONE": ""}
    for text, (words, _) in SCRIPTS.items():
        if "$PORT" not in text:  # what nothing sets is left as it is written, and is empty in a shell
            subprocess.run(["bash", "-c", text], env=variables, cwd=tmp_path, check=True, timeout=20)
            expected = ["serve", "m", *words.split("|" if "|" in words else None)]
            assert (tmp_path / "got").read_text().splitlines() == expected, text


def test_a_shell_without_a_text_of_its_own() -> None:
    line, _ = read("command: [sh, -c]\nargs: [vllm, serve, m]")
    assert [problem.what for problem in line.open] == ["the shell takes vllm alone as its script"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\nset -e\nvllm serve m --a \\\n  --b=$X", 9),
        ("if x; then\nvllm serve m\nfi", 7),
        ("vllm serve m\n\n'", 8),
    ],
)
def test_what_is_open_says_its_line(text: str, line: int) -> None:
    (problem,) = read(script(text).replace("|-", "|"))[0].open
    assert problem.where == f"pod.yaml:{line}:1"


def test_arguments_behind_a_script_join_in() -> None:
    line, told = read(script('exec vllm serve m --a "$@"', "--", "--b=1", "--c"))
    assert line.words == ("--a", "--b=1", "--c")
    assert line.grows == (*HERE, "args")
    assert not told.warnings()


@pytest.mark.parametrize(
    ("text", "what"), [('vllm serve m "$@"', "the script's own name"), ("vllm serve m", "uses no arguments")]
)
def test_arguments_that_a_script_never_sees_are_told(text: str, what: str) -> None:
    line, told = read(script(text, "--b=1"))
    assert line.words == ()
    assert [what in problem.what for problem in told.warnings()] == [True]


def test_the_environment_of_a_script() -> None:
    text = "export A=1\nB=no\nexport C=$D E=2\nF=3 env G=4 vllm serve m"
    assert dict(read(script(text))[0].environment) == {"A": "1", "E": "2", "F": "3", "G": "4"}


OPEN = {
    "vllm serve m $EXTRA_ARGS": "nothing here sets EXTRA_ARGS",
    "vllm serve m --tensor-parallel-size $TP": "of --tensor-parallel-size is not known",
    "vllm serve $MODEL": "of --model is not known",
    "vllm serve m --x $(nproc)": "only the shell knows",
    "vllm serve m $[1+1]": "only the shell knows",
    'vllm serve m $"x"': "only the shell knows",
    "vllm serve m `cat /args`": "only the shell knows",
    "if x; then T=1; fi\nvllm serve m --t=$T": "a condition of the script sets it",
    "T=0\n[ x ] && T=1\nvllm serve m --t=$T": "sets it in more than one way",
    "while true; do vllm serve m; done": "inside `while`",
    "start() {\n  vllm serve m\n}\nstart": "inside `{`",
    "x || vllm serve m": "only where another command fails",
    "vllm serve m &\nvllm serve n": "more than once",
    "echo m | xargs vllm serve": "no `vllm serve` is found",
    "eval vllm serve m": "no `vllm serve` is found",
    'Q=--a\nQ="${Q}x 1"\nvllm serve m $Q': "is put together of several texts",
    "[ x ] && A+=(--b)\nvllm serve m ${A[@]}": "nothing here sets A",
    "bash /run-vllm.sh": "no `vllm serve` is found",
    "vllm serve 'm": "a quote (') does not end",
    'vllm serve "m': 'a quote (") does not end',
    "vllm serve $(m": "a bracket (() does not end",
    "vllm serve m <<EOF\nx": "does not end",
    "export VLLM_USE_V1=$(x)\nvllm serve m": "sets VLLM_USE_V1 to what is not known",
}


@pytest.mark.parametrize(("text", "what"), OPEN.items())
def test_what_is_not_understood_is_said(text: str, what: str) -> None:
    line, _ = read(script(text))
    assert [problem.what for problem in line.open if what in problem.what] != []
    assert all(problem.fix and problem.where.startswith("pod.yaml:") for problem in line.open)


FOREIGN = "env: [{name: X, valueFrom: {configMapKeyRef: {name: c, key: k}}}]"


@pytest.mark.parametrize(
    ("item", "count"), [("$(X)", 1), ("--a=$(X)", 1), ("--port=$(X)", 0), ("--a=$(Y)", 0)]
)
def test_a_variable_of_another_object_is_open_where_it_may_decide(item: str, count: int) -> None:
    line, _ = read(f"command: [vllm, serve, m, '{item}']\n{FOREIGN}")
    assert [problem.what.endswith("another object sets X") for problem in line.open] == [True] * count
    assert line.words == (item,)


@pytest.mark.parametrize(
    "text",
    [
        "image: nginx\nargs: [a/b]",
        "command: [vllm, bench, serve]",
        "image: vllm/vllm-openai\ncommand: [sleep, infinity]",
        script("hf download a/b\nsleep 1", image="vllm/vllm-openai"),
        "image: r/tgi\ncommand: [/bin/sh, /run.sh]",
    ],
)
def test_what_serves_no_vllm_is_nothing(text: str) -> None:
    line, told = read(text)
    assert (line.program, line.open, told.errors()) == ("", (), ())


@pytest.mark.parametrize(
    "text", ["command: [/entrypoint.sh]", "command: [bash, /run.sh]", script("./start.py")]
)
def test_a_script_that_the_image_brings_is_said(text: str) -> None:
    line, _ = read(f"image: vllm/vllm-openai:v1\n{text.removeprefix('image: registry.example/x:1')}")
    assert line.program == ""
    assert len(line.open) == 1


@pytest.mark.parametrize("text", ["command: vllm serve m", "command: [vllm, serve, m, --port, 80]"])
def test_what_kubernetes_would_not_take_is_an_error(text: str) -> None:
    assert read(text)[1].faults == 1


@pytest.mark.parametrize(
    "text", ["x " * 10_000, "'" * 9_999, "$(" * 20_000, '"${' * 20_000, "\\" * 20_001, "((" * 20_000]
)
def test_hostile_scripts_take_linear_time(text: str) -> None:
    start = time.perf_counter()
    read(script(f"vllm serve m {text}", image="vllm"))
    assert time.perf_counter() - start < 2


GROWING = [
    "A=xxxxxxxx\n" + 'A="$A $A"\n' * 60 + "vllm serve m $A",
    "A=xxxxxxxx\n" + "A+=$A\n" * 60 + "vllm serve m $A",
    "A=(x)\n" + 'A=("${A[@]}" "${A[@]}")\n' * 60 + 'vllm serve m "${A[@]}"',
    "set -- x\n" + 'set -- "$@" "$@"\n' * 60 + 'vllm serve m "$@"',
    f"A='{'x ' * 20_000}'\nvllm serve m " + "$A " * 20_000,
]


@pytest.mark.parametrize("text", GROWING)
def test_variables_that_hold_each_other_are_bounded(text: str) -> None:
    start = time.process_time()
    line, _ = read(script(text))
    assert ["grow beyond" in problem.what for problem in line.open] == [True]
    assert time.process_time() - start < 3


def test_ten_thousand_words() -> None:
    line, _ = read(script("vllm serve m " + "--x " * 10_000))
    assert len(line.words) == len(spelled(line)) == 10_000


@pytest.mark.parametrize(
    ("install", "open_"),
    [
        ("pip install -U vllm==0.12.0", True),
        ("uv pip install --system 'vllm>=0.11'", True),
        ("python3 -m pip install git+https://example.com/vllm-project/vllm.git@main", True),
        ("pip install vllm-router-client", False),
        ("pip install runai-model-streamer", False),
    ],
)
def test_a_script_that_installs_vllm_leaves_its_release_open(install: str, open_: bool) -> None:
    line, _ = read(script(f"{install} && exec vllm serve a/b"))
    assert line.model == "a/b"
    assert ["installs vllm itself" in one.what.lower() for one in line.open] == [True] * open_
