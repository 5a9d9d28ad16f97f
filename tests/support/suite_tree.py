"""Sources of a stand-in that say what a branch of the suite accepts and makes: made from the facts alone."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from modelcar_tui.qa.suite_facts import Option, SuiteFacts, branches

MODES = {"RawDeployment": "RAW_DEPLOYMENT", "Serverless": "SERVERLESS", "Standard": "STANDARD"}


def sources(facts: SuiteFacts) -> dict[str, str]:
    """Text by path; what is read of it is `facts`."""
    results = PurePosixPath(facts.log_folder)
    made = {
        "conftest.py": _root(facts),
        "pyproject.toml": _project(facts),
        "tests/conftest.py": "def oc():\n    return download_oc_console_cli()\n" * ("oc" in facts.downloads),
        "utilities/constants.py": _modes(),
        "utilities/must_gather_collector.py": (
            f'BASE_RESULTS_DIR = "{results.parent}/"\n'
            f'def get_base_dir():\n    return join(BASE_RESULTS_DIR, "{results.name}")\n'
        ),
    }
    if facts.test:
        beside = PurePosixPath(facts.test).parent
        made[str(beside / "conftest.py")] = _own(facts)
        made[str(beside / "constant.py")] = _constants(facts)
        made[facts.test] = "class TestIt:\n    def test_it(self):\n        pass\n"
    return made


def write(folder: Path, branch: str) -> None:
    """Lay a branch's sources into a folder, as they lie in an image's working directory.

    Args:
        branch: Of the table.
    """
    for path, text in sources(branches()[branch]).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def _root(facts: SuiteFacts) -> str:
    own = {one.option for one in facts.registries.values()} | {"--snapshot-update"}
    lines = ["def pytest_addoption(parser):", "    group = parser.getgroup()"]
    lines += [_option(name, option) for name, option in facts.options.items() if name not in own]
    lines += ["def pytest_runtest_setup(item):"]
    lines += ["    if KServeDeploymentType.RAW_DEPLOYMENT.lower() in item.keywords:"]
    lines += ['        item.fixturenames.insert(0, "enabled_kserve_in_dsc")']
    # The newest Python's form, which older ones refuse.
    lines += ["    try:", "        pass", "    except OSError, ValueError:", "        pass"]
    return "\n".join(lines) + "\n"


def _option(name: str, option: Option) -> str:
    words = [f'"{name}"']
    words += [f'action="{option.action}"'] if option.action != "store" else []
    words += [f'default=os.environ.get("{option.variable}")'] if option.variable else []
    return f"    group.addoption({', '.join(words)}, help='none')"


def _project(facts: SuiteFacts) -> str:
    plugins = '"syrupy"' if "--snapshot-update" in facts.options else ""
    return f'[project]\nrequires-python = "{facts.python}"\ndependencies = [{plugins}]\n'


def _modes() -> str:
    return "class KServeDeploymentType:\n" + "".join(
        f'    {name}: str = "{mode}"\n' for mode, name in MODES.items()
    )


def _own(facts: SuiteFacts) -> str:
    lines = ["def runtime(request):", "    ServingRuntimeFromTemplate("]
    lines += ["        name=f\"vllm-{request.param['deployment_type'].lower()}-runtime\")"]
    for mode, space, suffix in zip(facts.modes, facts.namespaces, facts.suffixes, strict=True):
        mark = mode.lower()
        lines += [f"def build_{suffix}_params(name, image):", f'    test_id = f"{{name}}-{suffix}"']
        lines += [f"    deployment_type = KServeDeploymentType.{MODES[mode]}"]
        lines += [f'    return pytest.param({{"name": "{space}"}}, {{"deployment_type": deployment_type}},']
        lines += [f"        id=test_id, marks=[pytest.mark.{mark}])"]
    read = {
        "serving_arguments": facts.reads_arguments,
        "model_output_type": facts.reads_output_type,
    }
    lines += ["def pytest_generate_tests(metafunc):", "    config = {}"]
    lines += [f'    config.get("{name}")' for name, is_read in read.items() if is_read]
    return "\n".join(lines) + "\n"


def _constants(facts: SuiteFacts) -> str:
    lines = [f'PULL_SECRET_NAME: str = "{facts.pull_secret}"']
    lines += ['AUDIO_FILE_URL: str = "https://host.test/a.wav"'] if "audio" in facts.downloads else []
    lines += ['COMPLETION_QUERY = [{"text": "?", "keywords": ["x"]}]'] if facts.checks_answers else []
    for number, (host, registry) in enumerate(facts.registries.items()):
        lines += [f'HOST_{number}: str = "{host}"']
        lines += [f'R{number} = ModelcarRegistry(host=HOST_{number}, cli_option="{registry.option}",']
        lines += [f'    env_var="{registry.variable}")']
    return "\n".join(lines) + "\n"
