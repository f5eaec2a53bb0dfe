"""What a run has found, as tables."""

import json
import math
from collections import Counter
from pathlib import Path

# Survivors that change nothing a caller could see: the file, the change and why. They hold as long as the lines do.
EQUIVALENTS = Path(__file__).parent / "equivalents.json"
COLUMNS = ("uncompilable", "equivalent", "explained", "killed", "survived")


def read(path):
    """The results of a run; of a mutant judged twice the later one."""
    with open(path) as lines:
        return list({r["id"]: r for r in map(json.loads, lines)}.values())


def wilson(killed, judged):
    """The 95% interval of a share."""
    if judged == 0:
        return 0.0, 1.0
    z, p = 1.96, killed / judged
    middle = (p + z * z / (2 * judged)) / (1 + z * z / judged)
    half = z * math.sqrt(p * (1 - p) / judged + z * z / (4 * judged * judged)) / (1 + z * z / judged)
    return middle - half, middle + half


def markdown(runs):
    """Tables per file and per rule, and the survivors."""
    results = list({r["id"]: r for run in runs for r in run}.values())
    reasons = {(e["file"], e["diff"]): e["why"] for e in json.loads(EQUIVALENTS.read_text())}
    for result in results:
        why = reasons.get((result["file"], result["diff"]))
        if result["verdict"] == "survived" and why:
            result["verdict"], result["why"] = "explained", why
    lines = []
    for key in ("file", "rule"):
        lines.append(f"| {key} | mutants | not compiled | same object code | changes nothing | killed | survived |")
        lines.append("| --- " + "| ---: " * 6 + "|")
        for name in sorted({r[key] for r in results}):
            lines.append(_row(f"`{name}`", Counter(r["verdict"] for r in results if r[key] == name)))
        lines += [_row("all", Counter(r["verdict"] for r in results)), ""]
    verdicts = Counter(r["verdict"] for r in results)
    judged = verdicts["killed"] + verdicts["survived"]
    low, high = wilson(verdicts["killed"], judged)
    share = 100 * verdicts["killed"] / judged if judged else 0
    interval = f"95% interval {100 * low:.1f}% to {100 * high:.1f}%"
    lines.append(f"{verdicts['killed']} of {judged} killed: {share:.1f}% ({interval}).")
    for result in results:
        if result["verdict"] in ("survived", "explained"):
            lines += ["", f"`{result['id']}` {result['verdict']}", *([result["why"]] if result["why"] else [])]
            lines += ["", "```diff", result["diff"], "```"]
    return "\n".join(lines)


def _row(name, verdicts):
    counts = [verdicts[v] for v in COLUMNS]
    return f"| {name} | {sum(counts)} | " + " | ".join(map(str, counts)) + " |"
