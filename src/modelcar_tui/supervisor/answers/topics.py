"""Which facts answer which kind of question: a table of key words, the first that fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from modelcar_tui.supervisor.answers import choose
from modelcar_tui.supervisor.answers.choose import Facts, Parts
from modelcar_tui.supervisor.answers.parts import CANNOT, Part
from modelcar_tui.supervisor.answers.understood import BARS, Asked

_ASKS = r"which|what|where|whose"


class Topic(NamedTuple):
    """One kind of question."""

    words: str
    """Any of them."""
    answer: Callable[[Asked, Facts], Parts]
    also: str = ""
    """And any of these."""


def untold(asked: Asked) -> Parts:
    """What is in no run, of a question that facts or what-ifs answer besides."""
    return tuple(
        Part(do="cannot", why=part.why)
        for topic in UNTOLD
        if asked.has(topic.words) and (not topic.also or asked.has(topic.also))
        for part in topic.answer(asked, {})
    )[:1]


def by_topic(asked: Asked, facts: Facts) -> Parts:
    """The parts of the first topic that has something to say; none where no topic fits."""
    for topic in (*OBJECTS, *UNTOLD, *TOPICS):
        if asked.has(topic.words) and (not topic.also or asked.has(topic.also)):
            found = tuple(part for part in topic.answer(asked, facts) if part.ids or part.do == "cannot")
            if found:
                return found
    return ()


OBJECTS = (
    Topic(r"namespaces?|projects?|kinds? of (?:objects?|resources?)", choose.of("served_as"), _ASKS),
    Topic(
        r"weights?|models?|sources?|storage ?uris?|it",
        choose.of("source"),
        r"(?:come|comes|coming|loaded|pulled|read) from|sources?|storage ?uris?",
    ),
    Topic(r"arguments?|args|flags?", choose.of("passed"), r"runtimes?|servingruntimes?|templates?|presets?"),
    Topic(r"not clear|unclear|not understood|(?:do|did)(?:n'?t| not) understand", choose.all_of("not_clear")),
)
"""What only objects of Kubernetes have: of model-cars these facts are not there, and others answer."""
UNTOLD = (
    Topic(
        r"who(?:'s)?",
        choose.cannot("Who works on the manifest or the cluster is not told."),
        r"edit\w*|chang\w+|wrote|written|writes|owns?|owner|created|deployed|installed|last",
    ),
    Topic(
        r"is (?:it|this|that) free|free of charge|money|pay|budget in|costs?|"
        r"price\w*|cheap\w*|euros?|dollars?|expensive",
        choose.cannot("What it costs is in no run.", "gpu_count", "need"),
    ),
    Topic(r"licen[cs]e\w*|legal|allowed to use", choose.cannot("Licences are not looked at.")),
    Topic(
        r"(?:per|a) (?:second|minute)|rps|qps|tokens?/s|throughput|latency|ttft|tpot|"
        r"how fast|faster|speed|slow\w*|performance",
        choose.cannot("How fast it answers is not measured or estimated.", "concurrency", "longest_context"),
    ),
    Topic(
        r"accura\w+|quality|hallucinat\w*|good at|better model|best (?:model|one)|benchmark\w*",
        choose.cannot(choose.QUALITY, "quantization"),
    ),
    Topic(
        r"(?:fine-? ?)?tun(?:e|ed|ing)|train\w*|lora|retrain\w*",
        choose.cannot("Only serving by vLLM is judged, not training."),
    ),
    Topic(
        r"multi-?modal|tool[- ]?call\w*|for embeddings?|transcri\w+|translat\w+|"
        r"(?:see|read|understand) images|languages?(?! models?)|reasoning|coding|chatbot|rag",
        choose.cannot("What a model is good for is not looked at."),
        r"can|could|does|do|is|support\w*|for|use",
    ),
    Topic(
        r"network|bandwidth|infiniband|electricity|watts?|autoscal\w+|peak load",
        choose.of_run("Networks, power and load are not looked at."),
    ),
    Topic(
        r"taints?|tolerations?|labels?|quotas?|rbac|permissions?|namespaces?|projects?|pending",
        choose.cannot("Taints, labels, quotas and rights are no facts of this run, nor is the scheduler."),
    ),
    Topic(
        r"(?:on|with|to) (?:an? |the )?(?:[ct]pus?|inferentia|trainium)|cpu[ -]only",
        choose.cannot("Serving on CPUs is not judged here: models are held against GPUs.", "need"),
    ),
)
"""What is in no run: said before anything else, also beside a what-if."""
_HOW_TO_ANSWER = (
    "Each change is accepted or rejected by you: in the dashboard by keys, in `agent` with --approve. "
    "Nothing is written before."
)
_HOW_MANY = r"how many|number of|count of|total"
TOPICS = (
    Topic(r"measured|(?:was|were|been) tried|tries|real gpus?", choose.all_of("measured")),
    Topic(r"what(?: is|'s) an? (?:(?:no-?)?go|unknown)|means?|meaning|stands? for", choose.meaning),
    Topic(
        r"who\b(?! (?:needs|fits|uses)).*|approved by|when (?:was|did)|what time|"
        r"how long did|how old|started at",
        choose.these("run/time"),
        r"run|started|ran|take|took|checked|old|long|finish\w*|end\w*",
    ),
    Topic(
        r"drivers?|cuda|rocm|kernel|(?:openshift|ocp|kubernetes|k8s|rhoai|operator) (?:version|release|v?\d)|"
        r"(?:version|release) of (?:openshift|ocp|kubernetes|rhoai|the cluster)",
        choose.cannot("Versions of drivers, CUDA, OpenShift and operators are not among this run's facts."),
    ),
    Topic(
        r"written|did (?:you|it) (?:write|change|touch|edit|modify)|"
        r"undo|roll ?back|revert|what file|which file|saved|where is (?=.*(?:file|manifest|yaml))",
        choose.these("written", "changes"),
    ),
    Topic(
        r"already|right now|currently|at the moment",
        choose.of_run("What runs on the cluster is not told, only which GPUs are free.", "gpu/free"),
        r"running|deployed|serving|served|used",
    ),
    Topic(
        r"pages?|documents?|books?|pdfs?|words",
        choose.cannot("Pages and words are not counted in tokens here.", "longest_context", "context"),
    ),
    Topic(
        r"(?:pipeline|data|expert|context)[ -]parallel\w*|speculative|disaggregat\w+|prefix[ -]caching",
        choose.cannot(CANNOT),
    ),
    Topic(
        r"vllm",
        choose.of_run("Another release of vLLM is another run: --vllm VERSION.", "runtime/vllm"),
        r"older|newer|if|would|latest|upgrad\w+|\d+\.\d+",
    ),
    Topic(
        r"(?:which|how many|what (?:percent\w*|share|fraction)|%) (?:of )?(?:(?:our|the|my|these|those) )?"
        r"(?:\w+ )?models (?:are go|work|pass|fail|start|run|are ok)\w*",
        choose.listed,
    ),
    Topic(
        r"used|idle|utili[sz]\w+|spare|wast\w+|busy|capacity",
        choose.kinds,
        r"(?:our|the|my) (?:gpus|cards|hardware|cluster)|capacity|hardware",
    ),
    Topic(r"percent\w*|share of|fraction|%|how full", choose.share),
    Topic(r"sum|totals?|altogether|combined|together|in all", choose.total, r"weights?|vram|memory|ram|size"),
    Topic(
        r"how far|by how much|shortfall|short of|too big|too much|lacks?|lacking|how much .*missing",
        choose.of_troubled("need", "help"),
    ),
    Topic(r"mig|time[ -]?slic\w+|mps|sliced?|shared gpus?|gpus? shared", choose.shared),
    Topic(
        r"tight\w*|headroom|margin|spare|wiggle room|oom|out of memory|crash\w*|blow up|limits?|"
        r"bottleneck|how close",
        choose.tight,
    ),
    Topic(
        r"(?:did|do|could|can|have)(?:n'?t| not| you not) (?:\w+ )?(?:check\w*|look\w*|know|verif\w+)|"
        r"not checked|unchecked|trust|rely|certain\w*|confiden\w+|how sure|sure|"
        r"(?:is|are|still) unknown|unknowns|conditions?|caveats?|catch|assumptions?",
        choose.all_of("run_verdict", "condition", "unknown", "vllm"),
        r"what|how|is|can|are|why|which|any|where",
    ),
    Topic(r"(?:was|were|been|did (?:i|we)|have (?:i|we))\b.*\b(?:accept|reject|approv)\w*", choose.plan),
    Topic(
        r"(?:change|do|accept|apply) nothing|"
        r"(?:have|need) to (?:accept|apply|approve)\w*|must (?:i|we) (?:accept|apply|approve)\w*|"
        r"(?:don'?t|do not|not|never|won'?t) (?:accept|apply|approve)\w*|reject\w*|refuse|decline",
        choose.refused,
    ),
    Topic(
        r"how (?:do|can|to|does)|where do|wh(?:ich|at) key|who (?:has|must|can|should)|what do i",
        choose.of_run(_HOW_TO_ANSWER, "changes", do="say"),
        r"accept\w*|approve|apply|write|reject",
    ),
    Topic(
        r"(?:drop|remov\w+|leav\w+|skip|delete) (?:out |one |a |some |which )?(?:models?|one)|"
        r"(?:which|what) models?.*\b(?:drop|remov\w+|leav\w+|skip|delete)",
        choose.of_run("Which model to leave out is yours to say: name it.", "together", "together/missing"),
    ),
    Topic(
        r"longest|maximum|max|largest|how long",
        choose.of("longest_context", "context"),
        r"context|length|window|tokens?|sequence|prompts?|inputs?|documents?|texts?",
    ),
    Topic(r"(?:pull(?!\s+secret)|download)\w*", choose.of("image_size", "pull")),
    Topic(r"qa|tests?|tested|pass(?:ed)?|suite|opendatahub\S*", choose.all_of("qa", "qa_tests", "qa_model")),
    Topic(
        r"how long|how much time|when will|load(?:ing)? time|start(?:ing|up)? time|minutes|hours|until it",
        choose.cannot(
            "How long it takes to load and start is not predicted.", "weights", "image_size", "pull"
        ),
    ),
    Topic(
        r"cve|vulnerab\w+|signed|signature|secure|security",
        choose.cannot("Signatures and vulnerabilities of images are not looked at."),
    ),
    Topic(
        r"differ\w*|disagree\w*|contradict\w*|two (?:numbers|figures|values)|"
        r"(?:configuration )?pane\b.*\bverdict",
        choose.of_troubled("simple_need", "need"),
    ),
    Topic(
        r"safe|risk\w*|harm\w*|dangerous|should i|ok(?:ay)? to|what happens|if|after",
        choose.accept,
        r"accept\w*|appl\w+|changes?|approve|plan|write",
    ),
    Topic(
        r"smallest change|minimal\w* (?:change|fix)\w*|fewest changes|least change\w*|required changes?|"
        r"only (?:the )?required|"
        r"(?:make|makes|making|get|gets|turn) (?:it|them|this|the manifest|"
        r"everything)? ?(?:to )?(?:a )?go|fix|mend|solve|"
        r"shrink|squeeze|what (?:would|will|does) it take|anything to do|recommend\w*|advi[cs]e|"
        r"(?:do|can) i do|needs? to change|must (?:i )?change|to be go|unblock|would help|helps?|"
        r"(?:should|must|can|do) (?:i|we) do|next step|what now|what next",
        choose.what_helps,
    ),
    Topic(
        r"chang\w+|diff|propos\w+|modif\w+|edit\w*|rewrite|plan|suggest\w*|improve\w*|optimi[sz]\w+",
        choose.plan,
    ),
    Topic(rf"concurrency|{BARS}|batch\w*", choose.of("concurrency")),
    Topic(r"replicas?|copies|instances?|pods?|how often", choose.of("replicas", "copies")),
    Topic(
        r"same time|at once|together|simultaneous\w*|side by side|all of them|all models|"
        r"all (?:of )?the models|everything|in parallel|them all|all (?:four|five|three|six|two|\d+)",
        choose.these("together", "together/missing", "gpus/asked", "gpu/free"),
        r"fit|fits|run|runs|serve\w*|deploy\w*|start|enough|together|at once|same time|room|place|host",
    ),
    Topic(
        r"(?:two|three|four|five|both|several|\d+)(?: \w+)? models|next to|beside|alongside|"
        r"share[ds]?|sharing",
        choose.side_by_side,
    ),
    Topic(r"(?:each|every|per) (?:model|server|replica|copy)", choose.of("gpu_count"), choose.GPUS),
    Topic(
        r"buy|purchase|(?:another|more|extra|additional) (?:nodes?|hardware)|enough (?:nodes?|hardware)|"
        r"tensor[- ]parallel\w*",
        choose.gpus_needed,
    ),
    Topic(r"nodes?|hardware", choose.gpus_needed, r"enough|suffic\w+"),
    Topic(
        r"(?:which|what|whose) (?:other )?(?:kinds? of )?(?:gpus?|cards?|accelerators?)",
        choose.kinds,
        r"are there|do i have|do we have|have i|in the cluster|has the cluster|available|free|found|exist|"
        r"see",
    ),
    Topic(
        r"(?:which|what|whose) (?:other )?(?:kinds? of )?(?:gpus?|cards?|accelerators?|hardware)|would do|"
        r"where (?:can|could|would|does|will|should)"
        r"(?: (?:it|they|this|each))?(?: (?:run|fit|go|start|work)|$)",
        choose.which,
    ),
    Topic(
        r"gpus?|cards?|accelerators?",
        choose.gpus_needed,
        r"needs?|needed|require\w*|want\w*|total|in all|altogether|ask\w*|minimum|fewest|least|enough|more",
    ),
    Topic(
        r"biggest (?:problem|issue|risk|worry)|bottom line|broken|crash\w*|bad news|stop(?:s|ping) us",
        choose.why,
    ),
    Topic(
        r"heaviest|lightest|largest|biggest|smallest|(?:most|least) (?:gpu )?(?:vram|memory)|which model",
        choose.largest,
        r"vram|memory|weights|size|needs?|(?:larg|bigg|small|heavi|light)\w*",
    ),
    Topic(
        r"(?:best|right|ideal|smaller|larger|bigger|cheaper|older|newer|other|another|both|different)"
        r"(?: kinds? of)? (?:gpus?|cards?|hardware|accelerators?)|both kinds",
        choose.of("runs_on", "need", "help"),
    ),
    Topic(r"memory|vram|gib", choose.left, r"left|remain\w*|free|spare|room"),
    Topic(r"which nodes?|how many nodes|what nodes|per node", choose.nodes),
    Topic(r"why(?!.*(?:free|available|taken))", choose.why, choose.GPUS),
    Topic(
        r"gpus?|cards?|accelerators?",
        choose.kinds,
        rf"free|available|{_HOW_MANY}|idle|unused|taken|busy|there|memory|left|have",
    ),
    Topic(
        r"disks?|storage",
        choose.cannot("Of the nodes' disks only checks that failed are told.", "image_size"),
    ),
    Topic(r"nodes?|land|lands|placed|placement|scheduled", choose.nodes),
    Topic(r"context|ctx|max-model-len|sequence length|window", choose.of("context", "longest_context")),
    Topic(r"kv|cache", choose.of("kv_cache", "kv_tokens", "kv_request")),
    Topic(r"utili[sz]ation", choose.of("--gpu-memory-utilization", "budget", "taken", "kv_cache")),
    Topic(r"images?|layers?|registry", choose.of("image_size", "pull")),
    Topic(r"weights?", choose.of("weights", "weights_each")),
    Topic(
        r"parameters?|how big|how large|size",
        choose.of("parameters", "weights", "need"),
        r"model|parameters?|big|large|size|is",
    ),
    Topic(r"quanti[sz]\w+|precision|bits?|dtype", choose.of("quantization")),
    Topic(
        r"vram|memory|gib|gb|ram|footprint|requirements?|how much|what (?:does|will) .*need",
        choose.of("need", "weights"),
    ),
    Topic(r"vllm|runtimes?|servingruntimes?|release|version|preset", choose.of("server")),
    Topic(r"vllm|runtime|release|version", choose.these("runtime/vllm")),
    Topic(
        r"not known|unknowns|don'?t (?:you )?know|do(?:es)? not know|unsure|assum\w+|missing|uncertain\w*|"
        r"certain|sure|confiden\w+",
        choose.all_of("unknown", "vllm"),
    ),
    Topic(
        r"cluster|kubeconfig|openshift|connect\w*|reach\w*|log(?:ged)? in",
        choose.these("cluster", "gpu/free"),
    ),
    Topic(
        r"risks?|warnings?|findings?|problems?|issues?|errors?|wrong|lint|valid|correct|complain\w*|notes?|remarks?|caution\w*",
        choose.all_of("run_verdict", "finding", "check", "note", "vote"),
    ),
    Topic(r"models?", choose.listed, rf"{_HOW_MANY}|which|list|what|name"),
    Topic(r"gpus?|cards?|accelerators?", choose.kinds),
    Topic(r"why|warum|wieso|reasons?|because|stops?|block\w*|prevents?|fail\w*", choose.why),
    Topic(
        r"go|no-?go|verdict|summar\w*|overview|hello|hi|ready|deploy\w*|serve\w*|servable|run|runs|work|works|fit|fits|start|starts|"
        r"accept\w*|status|result|outcome|ok|okay|good|fine|enough|can|safe|done|green|"
        r"conclusion|live|yes",
        choose.status,
    ),
)
"""From the most telling words to the least."""
