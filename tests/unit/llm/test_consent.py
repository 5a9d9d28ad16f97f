"""Nobody is asked at a host that the operator has not allowed: who says so, where that is kept."""

from __future__ import annotations

import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from modelcar_tui.commands.values import checked
from modelcar_tui.core.config_file import read_config
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.model_hosts import Standing, keep, standing
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.llm.config import choose_model
from modelcar_tui.supervisor.llm.start import answer_question, open_session
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState, fold
from support.llm_server import LlmServer
from unit.llm.conftest import KEY

HOST = "generativelanguage.googleapis.com"


def host_of(server: LlmServer) -> str:
    return urlsplit(server.url).netloc


def of(events: list[e.Stamped], kind: type) -> list[Any]:
    return [stamped.event for stamped in events if isinstance(stamped.event, kind)]


def agent(*args: object, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "modelcar_tui.agent", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, **more)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (None, "api.openai.com"),
        ("https://vllm.example/v1", "vllm.example"),
        ("https://vllm.example:443/v1", "vllm.example"),
        ("https://VLLM.example:8443/v1", "vllm.example:8443"),
        ("http://vllm.example/v1", "vllm.example:80"),
        ("http://127.0.0.1:8000/v1", "127.0.0.1:8000"),
        ("http://[::1]:8000", "::1:8000"),
    ],
)
def test_another_port_and_plain_http_are_another_host(url: str | None, host: str) -> None:
    assert choose_model("openai:m", url).place == host


def test_the_word_is_kept_changed_and_taken_back(consented: Path) -> None:
    consented.write_text('theme = "light"  # mine\n')
    assert standing(HOST) is Standing.OPEN
    for word in (Standing.ALLOWED, Standing.ALLOWED, Standing.REFUSED, Standing.ALLOWED, Standing.OPEN):
        keep(HOST, word)
        keep("other:1", Standing.REFUSED)
        assert (standing(HOST), standing("other:1")) == (word, Standing.REFUSED)
    assert consented.read_text().startswith('theme = "light"  # mine\n')
    assert tomllib.loads(consented.read_text())["llm"] == {"allowed-hosts": [], "refused-hosts": ["other:1"]}


@pytest.mark.parametrize(
    "host", ["a b", "a/b", "", "h" * 300, "sk-0123456789abcdef0123456789abcdef0123456789abcdef"]
)
def test_a_host_that_would_break_the_settings_is_not_written(consented: Path, host: str) -> None:
    before = consented.read_text()
    with pytest.raises(UserError, match="no host that a settings file can hold"):
        keep(host, Standing.ALLOWED)
    assert consented.read_text() == before


def test_what_is_kept_can_be_read_again_by_every_command(consented: Path) -> None:
    consented.write_text("")
    for host in ("::1:8000", "fe80::1%25eth0:80", "vllm_svc.ns.svc:8000", "m\u00fcller.example"):
        keep(host, Standing.ALLOWED)
        assert standing(host) is Standing.ALLOWED
    found = read_config(check=checked)
    assert found.problems == () and len(found.given["llm.allowed-hosts"].value) == 4


def test_a_refusal_counts_first_and_a_variable_before_the_file(
    consented: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    consented.write_text(f'[llm]\nallowed-hosts = ["{HOST.upper()}", "a"]\nrefused-hosts = ["a"]\n')
    assert (standing(HOST), standing("a")) == (Standing.ALLOWED, Standing.REFUSED)
    assert standing(HOST + ":8443") is Standing.OPEN
    monkeypatch.setenv("MODELCAR_TUI_LLM_ALLOWED_HOSTS", "b, c")
    assert [standing(name) for name in (HOST, "b", "c")] == [Standing.OPEN, *[Standing.ALLOWED] * 2]
    monkeypatch.setenv("MODELCAR_TUI_LLM_ALLOWED_HOSTS", "strasse.example")
    assert standing("stra\u00dfe.example") is Standing.OPEN, "another host, whatever small letters make of it"


def test_a_file_that_is_broken_allows_nobody(consented: Path) -> None:
    consented.write_text(f'[llm]\nallowed-hosts = "{HOST}"\n')
    assert standing(HOST) is Standing.OPEN
    consented.write_text("[llm\n")
    assert standing(HOST) is Standing.OPEN
    with pytest.raises(UserError, match="not TOML"):
        keep(HOST, Standing.ALLOWED)
    assert consented.read_text() == "[llm\n"


async def test_without_consent_nobody_is_asked_and_no_fact_leaves(
    go: Callable[..., Any], consented: Path
) -> None:
    with LlmServer() as server:
        consented.write_text("")
        supervisor, events = await go(server)
        asked = await supervisor.ask("why is granite GO?")
        assert server.requests == []
    (offer,) = of(events, e.LanguageModelOffered)
    assert (offer.model, offer.host, bool(offer.shares)) == ("gemini:ok", host_of(server), True)
    assert not of(events, e.LanguageModelJoined) and supervisor.state.llm.model == ""
    assert asked.by == "tools" and asked.text
    assert f"{host_of(server)} is not allowed yet; --llm allows it for this run" in asked.why


@pytest.mark.parametrize("how", ["file", "settings", "variable"])
async def test_with_consent_it_is_asked(
    go: Callable[..., Any], consented: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with LlmServer() as server:
        if how != "file":
            consented.write_text("")
        if how == "variable":
            monkeypatch.setenv("MODELCAR_TUI_LLM_ALLOWED_HOSTS", f"x,{host_of(server)}")
        before = consented.read_text()
        supervisor, events = await go(server, llm=True if how == "settings" else None)
        await supervisor.ask("why is granite GO?")
        assert server.requests
    assert of(events, e.LanguageModelJoined) and not of(events, e.LanguageModelOffered)
    assert consented.read_text() == before, "--llm keeps nothing"


async def test_a_refused_host_is_not_offered_and_one_that_was_named_says_so(
    go: Callable[..., Any], consented: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LlmServer() as server:
        consented.write_text(f"[llm]\nrefused-hosts = ['{host_of(server)}', '{HOST}']\n")
        _, events = await go(server)
        assert server.requests == []
        assert not of(events, e.LanguageModelOffered)
        host = host_of(server)
        told = f"no language model: {host} was refused; agent config --allow {host} allows it"
        assert told in [notice.text for notice in of(events, e.Noticed)]
        _, events = await go(server, llm=True)
        assert server.requests == [], "a refusal counts before --llm"
    assert told in [notice.text for notice in of(events, e.Noticed)]
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    seen: list[Any] = []
    settings = Settings(manifest="")
    assert open_session(settings, emit=seen.append, state=RunState, redact=Redactor()) is None
    assert seen == []


async def test_a_word_during_the_run_is_kept_and_the_model_joins_it(
    go: Callable[..., Any], consented: Path, tmp_path: Path
) -> None:
    with LlmServer() as server:
        consented.write_text("# mine\n")
        host = host_of(server)

        supervisor, _ = await go(server)
        done: list[Any] = []
        supervisor.allow_model(host, True, say=done.append)
        asked = await supervisor.ask("why is granite GO?", say=done.append)
        assert server.requests, "after the run's end, too"
    assert asked.calls
    assert [type(event).__name__ for event in done[:2]] == ["LanguageModelAnswered", "LanguageModelJoined"]
    assert standing(host) is Standing.ALLOWED and consented.read_text().startswith("# mine\n")


async def test_it_joins_a_run_that_goes_on(
    tmp_path: Path, registry: Any, consented: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelcar_tui.manifest import Decision
    from modelcar_tui.supervisor.supervisor import Supervisor
    from unit.llm.conftest import GPU, MANIFEST

    manifest = tmp_path / "m.base.yaml"
    manifest.write_text(MANIFEST.replace('"--max-model-len=8192"', '"--max-model-len=999999"'))
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    with LlmServer() as server:
        consented.write_text("")
        supervisor = Supervisor(
            str(manifest),
            gpus=(GPU,),
            qa=False,
            state_dir=str(tmp_path / "state"),
            registries_conf=str(registry.registries_conf_path),
            vllm_version="0.11.2",
            model="gemini:ok",
            model_url=server.url,
        )
        state = RunState()
        async for stamped in supervisor.run():
            state = fold([stamped], state)
            match stamped.event:
                case e.LanguageModelOffered(host=host):
                    assert state.llm.offer is not None and not state.llm.asked
                    threading.Thread(target=supervisor.allow_model, args=(host, True)).start()
                case e.LanguageModelJoined():
                    assert state.llm.asked and state.llm.offer is None
            if state.waiting_for_approval and state.llm.asked and state.decision is not None:
                supervisor.answer(Decision(plan_digest=state.decision.plan.digest, who="t"))
    assert state.finish is not None and state.llm.model == "gemini:ok"
    assert supervisor.llm is not None


async def test_a_file_that_can_t_be_written_costs_a_notice(go: Callable[..., Any], consented: Path) -> None:
    with LlmServer() as server:
        consented.write_text("llm = 3  # no place\n")
        supervisor, _ = await go(server)
        told: list[Any] = []
        supervisor.allow_model(host_of(server), True, say=told.append)
        await supervisor.ask("why is granite GO?", say=told.append)
        assert server.requests, "it holds for this run"
    (notice,) = [event.text for event in told if isinstance(event, e.Noticed)]
    assert notice.startswith("the answer holds for this run only: ") and "consent.toml" in notice
    assert consented.read_text() == "llm = 3  # no place\n"


@pytest.mark.parametrize(
    ("model", "url", "told"),
    [("nobody", None, "'nobody' is no language model"), ("openai:x", "ftp://h", "no http or https URL")],
)
async def test_a_model_that_is_none_costs_the_model_and_not_the_run(
    go: Callable[..., Any], model: str, url: str | None, told: str
) -> None:
    supervisor, events = await go(None, model=model, model_url=url)
    (notice,) = [one.text for one in of(events, e.Noticed) if "language model" in one.text]
    assert notice.startswith("no language model: ") and told in notice
    assert supervisor.state.finish.exit_status == 0
    asked = await supervisor.ask("why is granite GO?")
    assert asked.text and told in asked.why


async def test_no_llm_asks_nobody_and_offers_nothing(go: Callable[..., Any]) -> None:
    with LlmServer() as server:
        supervisor, events = await go(server, llm=False)
        await supervisor.ask("why is granite GO?")
        assert server.requests == []
    assert not of(events, e.LanguageModelOffered) and not of(events, e.LanguageModelJoined)


@pytest.mark.parametrize(
    ("kept", "given", "then"),
    [(True, None, None), (None, True, True), (False, None, False), (False, True, True), (True, False, False)],
)
def test_a_resumed_run_has_the_consent_of_its_own_time(
    kept: bool | None, given: bool | None, then: bool | None
) -> None:
    earlier, now = Settings(manifest="m", llm=kept), Settings(manifest="", llm=given)
    assert earlier.for_resume(now).llm is then


async def test_a_run_that_goes_on_forgets_who_was_asked() -> None:
    joined = e.LanguageModelJoined(model="gemini:m", host="h", shares=("s",))
    state = fold(e.Stamped(at, 0.0, event) for at, event in enumerate([joined, e.RunResumed()]))
    assert state.llm.model == "gemini:m" and not state.llm.asked
    settings = Settings(manifest="", llm=False)
    answer = await answer_question(settings, state, "why?", redact=Redactor(), say=lambda _: None)
    assert answer.by == "tools"


def test_headless_says_in_one_line_how_to_allow_it(
    tmp_path: Path, registry: Any, consented: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, state = tmp_path / "m.base.yaml", tmp_path / "state"
    manifest.write_text(
        "model-car:\n  - name: granite-3.1-8b-instruct\n"
        "    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5\n"
    )
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    conf = ("--registries-conf", registry.registries_conf_path)
    common = ("--state-dir", state, "--vllm", "0.11.2")
    run = ("--config", manifest, "--gpu", "NVIDIA-L40S:1", "--no-qa", *conf, *common)
    with LlmServer(dialect="openai") as server:
        consented.write_text("[llm]\nenabled = true\n")  # is no consent
        model = ("--model", "openai:ok", "--model-url", server.url)
        host = host_of(server)
        told = (
            f"note: no language model: {host} is not allowed yet; --llm allows it for this run, "
            f"agent config --allow {host} for good"
        )
        first = agent(*run, *model)
        asked = agent("ask", "last", "why is granite GO?", *model, *common)
        assert server.requests == []
        once = agent("ask", "last", "why is granite GO?", *model, *common, "--llm")
        assert len(server.requests) >= 1
        assert agent("config", "--allow", host).stdout.startswith(f"{host}: allowed, in ")
        before = len(server.requests)
        agent("ask", "last", "why is granite GO?", *model, *common)
        assert len(server.requests) > before
    assert (first.returncode, first.stderr.splitlines().count(told)) == (0, 1), first.stderr
    assert (asked.returncode, asked.stderr.splitlines().count(told)) == (0, 1), asked.stderr
    assert "asking openai:ok" in once.stderr and told not in once.stderr
    assert consented.read_text() == f'[llm]\nenabled = true\nallowed-hosts = ["{host}"]\n'
    assert KEY not in first.stdout + first.stderr + asked.stdout + asked.stderr


def test_config_changes_the_word(consented: Path) -> None:
    for option, told in (
        ("--refuse", "refused"),
        ("--forget", "nothing is said of it"),
        ("--allow", "allowed"),
    ):
        done = agent("config", option, "Vllm.example:8000")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"vllm.example:8000: {told}, in ")
    assert standing("vllm.example:8000") is Standing.ALLOWED
    assert agent("config", "--allow", "https://x/v1").returncode == 2
    consented.write_text("llm = 3\n")
    full = agent("config", "--allow", "h")
    assert full.returncode == 2 and len(full.stderr.splitlines()) == 1 and "no place" in full.stderr
