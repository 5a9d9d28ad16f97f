"""Which model is asked, where its key comes from, and that none is asked by default."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelcar_tui.commands import web
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.installing import install_libraries
from modelcar_tui.core.secrets import Redactor, Secret, redact
from modelcar_tui.supervisor.llm.breaker import Breaker
from modelcar_tui.supervisor.llm.config import PROVIDERS, Provider, choose_model, find_key
from modelcar_tui.supervisor.llm.failures import Failure, ModelError, classify
from modelcar_tui.supervisor.llm.provider import build
from modelcar_tui.supervisor.llm.replies import Reading, parse
from modelcar_tui.supervisor.llm.start import open_session
from modelcar_tui.supervisor.runs import SETTINGS, RunFolder, settings_of_run
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState

KEY = "a-key-0123456789"


def test_the_default_is_the_current_gemini_flash() -> None:
    assert choose_model(None, None).label == "gemini:gemini-3.8-flash"
    assert (
        choose_model("openai:org/model-7b", "http://vllm.models.svc:8000/v1").host == "vllm.models.svc:8000"
    )


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.name)
def test_a_library_that_is_lacking_is_told_with_the_command_that_brings_it(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, provider.module, None)
    with pytest.raises(UserError) as caught:
        build(choose_model(f"{provider.name}:any", None), Secret(KEY))
    (problem,) = caught.value.problems
    assert problem.what == f"the package {provider.package} is not installed"
    assert problem.fix == install_libraries(provider.package)


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("llama-3", None),
        ("vertex:x", None),
        ("org/model", None),
        ("models/", None),
        ("gemini", None),
        ("user:pw@host", None),
        ("user:pw@host", "http://x/v1"),
        ("pw@host", "http://x/v1"),
        ("https://u:pw@host/v1", "http://x/v1"),
        ("AIzaSyD-pw0123456789abcdefghijklmnopqrs", "http://x/v1"),
        ("sk-ant-api03-pw0123456789abcdefghijklmnopqrs", None),
        ("openai:sk-ant-api03-pw0123456789abcdefghijklmnopqrs", None),
        ("openai:", None),
        ("openai:a b", None),
        ("gemini:\x1b[2J", None),
        (None, "http://x/v1"),
        ("openai:x", "ftp://x"),
        ("openai:x", "http://"),
        ("openai:x", "http://u:pw@x/v1"),
        ("openai:x", "http://x:99999/"),
        ("openai:x", "no url"),
        ("openai:x", "http://x/v1?key=pw"),
        ("openai:x", "http://x/v1#pw"),
    ],
)
def test_bad_names_are_refused_in_one_line_without_the_secret(model: str | None, url: str | None) -> None:
    with pytest.raises(UserError) as caught:
        choose_model(model, url)
    assert "pw" not in str(caught.value) and "\x1b" not in str(caught.value)


OWN = "http://vllm.models.svc:8000/v1"


@pytest.mark.parametrize(
    ("model", "url", "label"),
    [
        ("google:x", None, "gemini:x"),
        ("gemini-2.5-pro", None, "gemini:gemini-2.5-pro"),
        ("models/gemini-2.5-pro", None, "gemini:gemini-2.5-pro"),
        ("gemini:models/gemini-2.5-pro", None, "gemini:gemini-2.5-pro"),
        ("gemini/gemini-2.5-pro", None, "gemini:gemini-2.5-pro"),
        ("google/gemma-3-27b-it", None, "gemini:gemma-3-27b-it"),
        ("Gemini:gemini-2.5-pro", None, "gemini:gemini-2.5-pro"),
        ("gpt-5", None, "openai:gpt-5"),
        ("openai/gpt-5", None, "openai:gpt-5"),
        ("claude-sonnet-5", None, "anthropic:claude-sonnet-5"),
        ("anthropic/claude-sonnet-5", None, "anthropic:claude-sonnet-5"),
        ("gemini-2.5-pro", OWN, "gemini:gemini-2.5-pro"),
        ("google/gemini-2.5-pro", OWN, "gemini:gemini-2.5-pro"),
        ("openai:gemini-2.5-pro", OWN, "openai:gemini-2.5-pro"),
        ("granite", OWN, "openai:granite"),
        ("llama3:8b", OWN, "openai:llama3:8b"),
        ("org/model-7b", OWN, "openai:org/model-7b"),
        ("openai/gpt-oss-120b", OWN, "openai:openai/gpt-oss-120b"),
        ("google/gemma-3-27b-it", OWN, "openai:google/gemma-3-27b-it"),
        ("openai:org/model-7b", OWN, "openai:org/model-7b"),
    ],
)
def test_a_name_that_can_mean_one_model_is_taken(model: str, url: str | None, label: str) -> None:
    choice = choose_model(model, url)
    assert choice.label == label
    assert choose_model(choice.label, url) == choice, "and the whole form means itself"


def test_a_name_that_can_t_is_told_the_whole_form() -> None:
    with pytest.raises(UserError) as caught:
        choose_model("llama-3", None)
    assert str(caught.value) == (
        "--model: 'llama-3' is no language model; "
        "as --model gemini:gemini-3.8-flash, or openai:NAME, anthropic:NAME"
    )


@pytest.mark.parametrize(
    ("model", "url", "kept"),
    [
        ("granite", OWN, True),
        ("gemini-2.5-pro", None, True),
        (None, None, True),
        ("user:pw@host", None, False),
        ("user:pw@host", OWN, False),
        ("openai:x", "http://u:pw@host/v1", False),
        ("openai:x", "http://host/v1?key=pw", False),
        ("llama-3", None, False),
    ],
)
def test_a_model_that_can_t_be_asked_is_not_stored_and_none_takes_its_place(
    tmp_path: Path, model: str | None, url: str | None, kept: bool
) -> None:
    folder = RunFolder.create(
        Settings(manifest="m.yaml", model=model, model_url=url, state_dir=str(tmp_path))
    )
    text = (folder.path / SETTINGS).read_text()
    stored = settings_of_run(folder.path)
    if kept:
        assert choose_model(stored.model, stored.model_url) == choose_model(model, url)
        assert stored.llm is Settings(manifest="").llm
    else:
        assert (stored.model, stored.model_url, stored.llm) == (None, None, False)
    assert "pw" not in text
    folder.release()


def test_the_page_is_served_whatever_the_model_s_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert web._key_variable("claude-sonnet-5", None) == "ANTHROPIC_API_KEY"
    assert capsys.readouterr().err == ""
    assert web._key_variable("llama-3", None) == "GEMINI_API_KEY"
    assert "no language model: --model: 'llama-3' is no language model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "told"),
    [("http://vllm.svc:8000/v1", True), ("https://vllm.svc/v1", False), ("http://[::1]:1/v1", False)],
)
async def test_a_key_in_the_clear_is_told(monkeypatch: pytest.MonkeyPatch, url: str, told: bool) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    events: list[Any] = []
    settings = Settings(manifest="", model="openai:x", model_url=url, llm=True)
    session = open_session(settings, emit=events.append, state=RunState, redact=Redactor())
    await session.close()
    assert any("unencrypted" in getattr(event, "text", "") for event in events) is told
    assert KEY not in str(events)


def write_key(path: Path, text: str = KEY, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_key_comes_from_the_environment_then_a_named_file_then_the_users(tmp_path: Path) -> None:
    choice = choose_model(None, None)
    assert find_key(choice, {}) is None
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "modelcar-tui" / "gemini-key"
    write_key(config, "from-config-1\n")
    assert find_key(choice, {}).reveal() == "from-config-1"
    named = {"GEMINI_API_KEY_FILE": str(write_key(tmp_path / "key", "from-named-1"))}
    assert find_key(choice, named).reveal() == "from-named-1"
    assert find_key(choice, {**named, "GEMINI_API_KEY": KEY}).reveal() == KEY
    assert find_key(choose_model("openai:x", "http://localhost:1/v1"), {}).reveal() == "EMPTY"
    assert find_key(choose_model("openai:x", None), {}) is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_file_that_others_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = write_key(tmp_path / "key", mode=mode)
    with pytest.raises(UserError, match="open to others") as caught:
        find_key(choose_model(None, None), {"GEMINI_API_KEY_FILE": str(path)})
    assert "chmod 600" in str(caught.value) and KEY not in str(caught.value)


@pytest.mark.parametrize("text", ["", "two words", "\x00\x01", "ключ"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, text: str) -> None:
    path = write_key(tmp_path / "key", text)
    with pytest.raises(UserError, match="holds no key"):
        find_key(choose_model(None, None), {"GEMINI_API_KEY_FILE": str(path)})
    with pytest.raises(UserError):
        find_key(choose_model(None, None), {"GEMINI_API_KEY_FILE": str(tmp_path)})


@pytest.mark.parametrize("model", [None, "gemini:x", "anthropic:x"])
def test_without_a_key_there_is_no_session_and_the_reason_is_told_where_one_was_asked_for(
    model: str | None,
) -> None:
    told: list[Any] = []
    session = open_session(
        Settings(manifest="", model=model), emit=told.append, state=RunState, redact=Redactor()
    )
    assert session is None
    assert len(told) == (model is not None)


def test_a_run_without_a_model_imports_no_provider(tmp_path: Path) -> None:
    manifest = tmp_path / "m.base.yaml"
    manifest.write_text("model-car:\n  - name: a\n    image: oci://registry.example.test/a:1\n")
    code = (
        "import asyncio, sys\n"
        "from modelcar_tui.supervisor.supervisor import Supervisor\n"
        "async def main():\n"
        f"    s = Supervisor({str(manifest)!r}, gpus=('NVIDIA-T4:1',), qa=False, approve='show',"
        f" state_dir={str(tmp_path)!r})\n"
        "    async for _ in s.run(): pass\n"
        "asyncio.run(main())\n"
        "print([m for m in sys.modules if m.startswith(('langchain_google', 'google.genai', 'openai', "
        "'anthropic', 'langchain_openai')) or (m.startswith('modelcar_tui.supervisor.llm.') and "
        "m.rpartition('.')[2] not in ('start', 'config'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_breaker_opens_rests_and_closes() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    breaker.failed(ModelError(Failure.SERVER))
    breaker.check()
    breaker.failed(ModelError(Failure.SERVER))
    with pytest.raises(ModelError, match="not asked again"):
        breaker.check()
    now[0] = 61.0
    breaker.check()
    breaker.succeeded()
    breaker.failed(ModelError(Failure.RATE_LIMIT, wait_s=120.0))
    with pytest.raises(ModelError, match="not asked again"):
        breaker.check()
    now[0] = 182.0
    breaker.check()
    breaker.failed(ModelError(Failure.UNTRUE))
    breaker.check()
    breaker.failed(ModelError(Failure.BAD_KEY))
    now[0] = 1e9
    with pytest.raises(ModelError, match="not asked again"):
        breaker.check()


def test_a_retry_hint_of_the_service_is_read() -> None:
    class RefusedError(Exception):
        def __init__(self) -> None:
            super().__init__("quota")
            self.code = 429
            self.details = {"error": {"details": [{"@type": "x"}, {"retryDelay": "7s"}]}}

    failed = classify(RefusedError())
    assert (failed.failure, failed.wait_s) == (Failure.RATE_LIMIT, 7.0)


@pytest.mark.parametrize("part", ["\n", "\r", " ", "\x00", "\x7f", "–"])
def test_a_key_that_can_t_be_sent_is_refused_without_a_word_of_it(tmp_path: Path, part: str) -> None:
    halves = ("sk-first-half", "second-half-of-it")
    places = {"GEMINI_API_KEY": part.join(halves)}, {"GEMINI_API_KEY_FILE": str(tmp_path / "key")}
    write_key(tmp_path / "key", part.join(halves))
    for environ in places:
        with pytest.raises(UserError, match=" holds ") as caught:
            find_key(choose_model(None, None), environ)
        line = str(caught.value)
        assert line.isprintable()
        assert line.startswith(
            ("GEMINI_API_KEY: the key holds a ", f"{tmp_path / 'key'}: the key file holds no key")
        )
        assert not any(half in line for half in halves)
        assert halves[0] not in redact(f"Illegal header value {part.join(halves)}")


def test_a_failure_is_told_without_the_words_of_the_library() -> None:
    text = f"Illegal header value b'Bearer {KEY}'"
    for error in (httpx.LocalProtocolError(text), httpx.ConnectError(text), ValueError(text), KeyError(text)):
        error.__cause__ = OSError(111, text)
        told = str(classify(error))
        assert "Connection refused" in told
        assert "header" not in told + str(classify(ValueError(text)))
    assert str(classify(ValueError(text))) == "an unexpected failure: ValueError"


@pytest.mark.parametrize(
    "text",
    [
        '{"changes": []}',
        '```json\n{"changes": []}\n```',
        ' {"changes": []}\n',
        '<think>\n{"changes": 1} is wrong\n</think>\n\n{"changes": []}',
        'It is GO, press A.</think>```json\n{"changes": []}\n```',
    ],
)
def test_whole_json_is_read(text: str) -> None:
    assert parse(text, Reading).changes == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"changes": [',
        '{"changes": []} x',
        '<think>{"changes": []}',
        '{"changes": []}</think>',
        "```json\n{",
        '{"changes": [], "x": 1}',
        "[" * 100_000,
        '{"changes": [{"model": "m", "flag": "--max-num-seqs", "value": NaN}]}',
        '{"changes": [{"model": "m", "flag": "--max-num-seqs", "value": 1, "code": 2}]}',
        '{"changes": [{"model": 7, "flag": "--max-num-seqs", "value": 1}]}',
        '{"changes": [{"model": "m", "value": 1}]}',
    ],
)
def test_anything_else_is_not(text: str) -> None:
    with pytest.raises(ModelError):
        parse(text, Reading)
