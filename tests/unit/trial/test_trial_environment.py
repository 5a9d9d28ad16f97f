"""The variables of a try, and the logging that it lends."""

from __future__ import annotations

import json
import logging
import logging.config

import pytest

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.trial.environment import (
    LOGGING_FILE,
    changed_environment,
    hides_figures,
    logging_config,
    of_vllm,
    tried_environment,
)
from modelcar_tui.vllm import StartupLog

USAGE = (
    "Free memory on device (78.9/79.2 GiB) on startup. Desired GPU memory utilization is (0.9, 71.3 GiB). "
    "Actual usage is 14.99 GiB for weight, 4.76 GiB for peak activation, 0.13 GiB for non-torch memory, and "
    "0.4 GiB for CUDAGraph memory."
)


@pytest.mark.parametrize(
    ("release", "hides"),
    [
        (None, False),
        ("0.10.2", False),
        ("0.11.0", True),
        ("0.11.2+rhai5", True),
        ("v0.25.1", True),
        ("0.26.0", False),
    ],
)
def test_a_logging_is_lent_to_releases_that_hide_figures(release: str | None, hides: bool) -> None:
    assert hides_figures(release) is hides
    runtime = Runtime(image="x", environment=(("VLLM_LOGGING_CONFIG_PATH", "/etc/log.json"),))
    path = tried_environment(runtime, release).get("VLLM_LOGGING_CONFIG_PATH")
    assert path == (f"/mnt/models/{LOGGING_FILE}" if hides else None)
    said = list(changed_environment(runtime, release))
    assert any("VLLM_LOGGING_CONFIG_PATH is not production's" in line for line in said)
    assert any("DEBUG" in line for line in said) is hides


def test_the_lent_logging_tells_the_hidden_figures_and_no_other_debug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = json.loads(logging_config())
    # vLLM's own formatter is a logging.Formatter that aligns lines; it is not installed here.
    assert config["formatters"]["vllm"]["class"] == "vllm.logging_utils.NewLineFormatter"
    config["formatters"]["vllm"]["class"] = "logging.Formatter"
    names = ("vllm", "vllm.v1.worker.gpu_worker", "uvicorn")
    usual = {name: dict(vars(logging.getLogger(name))) for name in names}
    try:
        logging.config.dictConfig(config)
        logging.getLogger("vllm.v1.worker.gpu_worker").debug(USAGE)
        logging.getLogger("vllm.v1.engine.core").debug("not this")
        logging.getLogger("vllm.v1.engine.core").info("Available KV cache memory: 51.38 GiB")
        logging.getLogger("uvicorn.error").info("Application startup complete.")
    finally:
        for name, state in usual.items():
            vars(logging.getLogger(name)).update(state)
        for name in (*names, "vllm.v1.engine.core", "uvicorn.error"):
            logging.getLogger(name)._cache.clear()  # type: ignore[attr-defined]
    log, said = StartupLog(), capsys.readouterr().out
    for line in said.splitlines():
        log.feed(line)
    assert "not this" not in said and "Application startup complete." in said
    assert said.startswith("DEBUG ") and said.count("Actual usage") == 1
    assert (log.figures["activation_gib"], log.figures["non_torch_gib"]) == (4.76, 0.13)
    assert log.figures["kv_cache_gib"] == 51.38


def test_the_measurement_keeps_production_s_variables_and_no_key() -> None:
    told = (
        ("VLLM_USE_V1", "1"),
        ("VLLM_CACHE_ROOT", "/cache"),
        ("VLLM_API_KEY", "abc"),
        ("HF_HOME", "/x"),
    )
    assert of_vllm(told) == (("VLLM_CACHE_ROOT", "/cache"), ("VLLM_USE_V1", "1"))


def test_caches_on_volumes_of_production_are_the_pod_s_own() -> None:
    told = (("HF_HUB_CACHE", "/models"), ("HF_MODULES_CACHE", "/pvc/x"), ("NCCL_DEBUG", "WARN"))
    found = tried_environment(Runtime(image="x", environment=told), "0.19.0")
    assert not {"HF_HUB_CACHE", "HF_MODULES_CACHE"} & found.keys()
    assert found["HF_HOME"].startswith("/tmp/") and found["NCCL_DEBUG"] == "WARN"


def test_what_may_be_a_secret_or_spoils_the_log_is_not_passed_on() -> None:
    told = (("MY_PASS", "hunter2"), ("VLLM_LOGGING_PREFIX", "x "), ("PASSES", "3"), ("db_pwd", "y"))
    runtime = Runtime(image="x", environment=told, withheld=("HF_TOKEN",))
    found = tried_environment(runtime, None)
    assert found["PASSES"] == "3" and not {"MY_PASS", "VLLM_LOGGING_PREFIX", "db_pwd"} & found.keys()
    said = " ".join(changed_environment(runtime, None))
    assert "HF_TOKEN, MY_PASS, db_pwd" in said and "hunter2" not in said
