"""The comparison as a Markdown page, from what `results` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turns import Spread, markdown

OURS, THEIRS = "embtune", "sentence-transformers"
HEADER = (
    "workload",
    "pairs",
    "batch",
    "embtune s",
    "theirs s",
    "times as fast",
    "goal",
    "tokens/s",
    "theirs",
    "pairs/s",
    "theirs",
    "padded/real",
    "theirs",
    "peak GB",
    "theirs",
    "MFU",
    "theirs",
)


def page(content: Mapping[str, Any]) -> str:
    """Everything, as Markdown."""
    parts = [
        "# embtune beside Sentence Transformers",
        "\n".join(f"* {name}: {value}" for name, value in content["machine"].items()),
        "\n".join(f"* {note}" for note in content["notes"]),
        "## Equal weights after equal steps (fp32, no dropout)",
        equality(content["equality"]),
        "## End to end: wall time with start-up and tokenising, median (least to most)",
        runs(content),
        "## Where the time goes, seconds (median)",
        breakdown(content["runs"]),
        "## Settings tried for Sentence Transformers, seconds of training on a prefix",
        sweeps(content["sweeps"]),
    ]
    if "growth" in content:
        parts += ["## Growth with the batch, tiny encoder", growth(content["growth"])]
    return "\n\n".join(part for part in parts if part) + "\n"


def equality(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The verdicts."""
    rows = [
        [name, f"{v['apart']:.1e}", f"{v['moved']:.1e}", v["where"], "yes" if v["equal"] else "NO"]
        for name, v in found.items()
    ]
    return markdown(["model", "weights apart", "training moved them by", "farthest", "equal"], rows)


def runs(content: Mapping[str, Any]) -> str:
    """One line a workload that both tools have done."""
    names = dict.fromkeys(run["workload"] for run in content["runs"])
    both = [name for name in names if all(_of(content["runs"], name, tool) for tool in (OURS, THEIRS))]
    return markdown(HEADER, [_line(content, name) for name in both])


def _of(all_runs: Sequence[Mapping[str, Any]], workload: str, tool: str) -> list[Mapping[str, Any]]:
    return [run for run in all_runs if run["workload"] == workload and run["tool"] == tool]


def _line(content: Mapping[str, Any], name: str) -> list[str]:
    facts = content["workloads"][name]
    sides = [_of(content["runs"], name, tool) for tool in (OURS, THEIRS)]
    seconds = [Spread.of([run["seconds"] for run in side]) for side in sides]
    ratio = seconds[1].median / seconds[0].median
    pairs = [f"{facts['pairs'] / s.median:.0f}" for s in seconds]
    tokens = [f"{facts['tokens'] / s.median:.0f}" for s in seconds]
    padding = [_number(side[-1]["padding"], ".3f") for side in sides]
    memory = [f"{max(run['peak_bytes'] for run in side) / 1e9:.2f}" for side in sides]
    shares = [_number(_mfu(facts, s.median), ".1%") for s in seconds]
    columns = [value for two in (tokens, pairs, padding, memory, shares) for value in two]
    head = [name, str(facts["pairs"]), str(facts["batch"]), *map(str, seconds), f"{ratio:.2f}"]
    return [*head, _number(facts["goal"] or None, ".1f"), *columns]


def _mfu(facts: Mapping[str, Any], seconds: float) -> float | None:
    return facts["flops"] / seconds / facts["peak"] if facts.get("flops") and facts.get("peak") else None


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def breakdown(all_runs: Sequence[Mapping[str, Any]]) -> str:
    """Seconds of each part by workload and tool; "rest" is what no part names, most of it imports for embtune."""
    rows = []
    for workload, tool in dict.fromkeys((run["workload"], run["tool"]) for run in all_runs):
        side = _of(all_runs, workload, tool)
        parts = {name: Spread.of([run["parts"].get(name, 0.0) for run in side]).median for name in side[0]["parts"]}
        rest = Spread.of([run["seconds"] for run in side]).median - sum(parts.values())
        told = ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts.items())
        rows.append([workload, tool, told, f"{rest:.1f}"])
    return markdown(["workload", "tool", "parts", "rest"], rows)


def sweeps(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Each setting tried."""
    rows = [
        [name, one["mini_batch_size"], one["workers"], one["precision"] or "as asked", f"{one['seconds']:.1f}"]
        for name, tried in found.items()
        for one in tried
    ]
    return markdown(["workload", "mini_batch_size", "workers", "precision", "s"], rows)


def growth(found: Mapping[str, Mapping[str, float]]) -> str:
    """Microseconds a row by rows."""
    rows = [
        [n, f"{one['step']:.0f}", f"{one['loss']:.1f}", f"{one['encoder']:.0f}", f"{1e3 * one['loss'] / int(n):.2f}"]
        for n, one in found.items()
    ]
    header = [
        "rows",
        "step, us a row",
        "loss stage, us a row",
        "the rest, us a row",
        "loss stage, us a row and 1,000 rows",
    ]
    return markdown(header, rows)
