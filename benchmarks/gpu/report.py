"""Puts the parts of a run together: one JSON file, one Markdown table, and a short table on standard output.

    python3 report.py --parts DIRECTORY --out PREFIX [--library libplait.so] [--note TEXT]...
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Optional

import plait

PEERS = ("eager", "compile", "triton")
TITLES = {"eager": "PyTorch eager", "compile": "torch.compile", "triton": "Triton"}


def output_of(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def environment(library: Optional[str]) -> dict:
    gpu = output_of("nvidia-smi", "--query-gpu=name,driver_version,memory.total,compute_cap", "--format=csv,noheader")
    fields = [field.strip() for field in gpu.splitlines()[0].split(",")] if gpu else ["no GPU", "", "", ""]
    result = dict(zip(("device", "driver", "memory", "capability"), fields))
    nvcc = re.search(r"release ([\d.]+)", output_of("nvcc", "--version"))
    result["nvcc"] = nvcc.group(1) if nvcc else "none"
    result["python"] = platform.python_version()
    for module in ("torch", "triton"):
        result[module] = getattr(_imported(module), "__version__", "none")
    torch = _imported("torch")
    result["cuda_of_torch"] = str(torch.version.cuda) if torch else "none"
    result["plait"] = plait.Library(library, plait.CPU).version() if library else "unknown"
    result["kernel"] = platform.release()
    return result


def _imported(module: str):
    try:
        return __import__(module)
    except ImportError:
        return None


def time_of(sample: Optional[dict]) -> str:
    if not sample:
        return ""
    if "median" not in sample:
        return "not run"
    median = sample["median"]
    digits = 4 if median < 0.1 else 3 if median < 10 else 1
    mark = "*" if "how" in sample else ""
    return f"{median:.{digits}f} ({sample['p10']:.{digits}f} to {sample['p90']:.{digits}f}){mark}"


def ratio_of(row: dict, name: str) -> str:
    sample = row["peers"].get(name, {})
    return f"{sample['median'] / row['plait']['median']:.2f}" if "median" in sample else ""


def mebibytes(size: Optional[int]) -> str:
    return "" if size is None else f"{size / 2**20:.1f}" if size < 100 * 2**20 else f"{size / 2**20:.0f}"


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return ["| " + " | ".join(cells) + " |" for cells in [header, rule, *rows]]


def timing_tables(timing: dict) -> list[str]:
    lines = [
        "## Times",
        "",
        f"Milliseconds: median (10th to 90th percentile) of at least {min(r['plait']['samples'] for r in timing['rows'])} samples. "
        "`graph`: calls of one CUDA graph, over places that together exceed L2; `calls`: enqueued one by one, what the host "
        "takes included where it is longer. Again: the same measurement repeated, as a change of the median. Roof: copying "
        f"{timing['copy']['bytes'] >> 20} MiB from device to device in this run, {timing['copy']['gbs']:.0f} GB/s, bytes read and "
        "written. Bytes: what the kernel cannot do without. Ratio: the other's median by Plait's. * measured by `calls`.",
        "",
    ]
    header = ["kernel", "shape", "dtype", "how", "Plait, ms", "again", "MB", "GB/s", "roof"]
    for name in PEERS:
        header += [f"{TITLES[name]}, ms", "ratio"]
    rows = []
    for r in timing["rows"]:
        change = r["again"]["median"] / r["plait"]["median"] - 1
        cells = [r["kernel"], r["shape"], r["dtype"], r["how"], time_of(r["plait"]), f"{100 * change:+.1f}%"]
        cells += [f"{r['bytes'] / 1e6:.3g}", f"{r['gbs']:.0f}", f"{100 * r['share']:.0f}%"]
        for name in PEERS:
            cells += [time_of(r["peers"].get(name)), ratio_of(r, name)]
        rows.append(cells)
    lines += table(header, rows) + ["", "## Memory", "", "MiB at the peak beyond inputs and outputs; Plait's is the workspace.", ""]
    rows = [
        [f"{r['kernel']}", r["shape"], r["dtype"], *(mebibytes(r["memory"].get(n)) for n in ("plait", *PEERS))]
        for r in timing["rows"] if any(r["memory"].get(n) is not None for n in PEERS) and r["how"] == "calls"
    ]  # fmt: skip
    lines += table(["kernel", "shape", "dtype", "Plait", *TITLES.values()], rows)
    notes = [f"- {r['kernel']} {r['shape']} {r['dtype']}: {r['note']}" for r in timing["rows"] if r["note"]]
    for r in timing["rows"]:
        for name, peer in r["peers"].items():
            which = f"- {TITLES[name]} of {r['kernel']} {r['shape']} {r['dtype']}"
            if "not_run" in peer and peer["not_run"] != "no Triton here":
                notes.append(f"{which} was not run: {peer['not_run']}")
            if "configuration" in peer:
                notes.append(f"{which}: {peer['configuration']}")
    notes += [f"- not run: {what}" for what in timing["not_run"]]
    lines += ["", *notes, ""] if notes else [""]
    lines += ["## Calls", "", "Microseconds on the host until a call returns, its work enqueued: median of 1000, through ctypes.", ""]
    lines += [f"- {name}: {value:.2f}" for name, value in timing["call"].items()]
    if timing.get("launches"):
        lines += ["", "What a call enqueues:", ""]
        rows = [[n, ", ".join(f"{v} {k}" for k, v in kinds.items())] for n, kinds in timing["launches"].items()]
        lines += table(["call", "nodes of its graph"], rows)
    return lines + [""]


def cases_table(cases: dict) -> list[str]:
    lines = [
        "## Correctness",
        "",
        "Beside float64: an error of at most twice that of the same textbook computation in float32, plus one rounding to "
        "the output's type. Worst: the largest error in parts of what is allowed.",
        "",
    ]
    rows = [
        [name, str(f["checks"]), str(len(f["failures"])), f"{f['worst']:.2f}" if f["worst"] else "bits"]
        for name, f in cases["families"].items()
    ]
    lines += table(["family", "checks", "failed", "worst"], rows)
    failures = [f"- {name}: {text}" for name, f in cases["families"].items() for text in f["failures"][:20]]
    if failures:
        lines += ["", "Failures, at most 20 of each family:", "", *failures]
    return lines + [""] + [f"- not run: {what}" for what in cases["not_run"]] + [""]


def sanitizer_table(results: dict) -> list[str]:
    rows = [[name, r["outcome"], f"{r['seconds']:.0f}"] for name, r in results.items()]
    text = "A few rows of every kernel, beside the CPU backend (sweep) and under compute-sanitizer."
    return ["## Sanitizers", "", text, "", *table(["tool", "outcome", "s"], rows), ""]


def markdown(run: dict) -> str:
    e = run["environment"]
    lines = [
        f"# {e['device']}, {run['date']}, commit {run['commit']}",
        "",
        f"{e['device']} ({e['memory']}, compute capability {e['capability']}), driver {e['driver']}, nvcc {e['nvcc']}, Linux "
        f"{e['kernel']}; Plait {e['plait']}; Python {e['python']}, PyTorch {e['torch']} (CUDA {e['cuda_of_torch']}), Triton "
        f"{e['triton']}. Measured by `benchmarks/gpu/run.sh`. Nothing in the results is estimated: no run, no row.",
        "",
        *[f"- {note}" for note in run["notes"]],
        "",
    ]
    for part, tables in (("cases", cases_table), ("sanitizers", sanitizer_table), ("timing", timing_tables)):
        if part in run:
            lines += tables(run[part])
    for part in ("device_test", "java"):
        if part in run:
            title = "C++ tests on the device" if part == "device_test" else "From Java"
            lines += [f"## {title}", "", "```", *run[part], "```", ""]
    return "\n".join(lines)


def summary(run: dict) -> list[str]:
    """At most 60 lines."""
    e = run["environment"]
    versions = ", ".join(f"{name} {e[name]}" for name in ("driver", "nvcc", "torch", "triton"))
    lines = [f"{e['device']}, {versions}, commit {run['commit']}"]
    if "cases" in run:
        families = run["cases"]["families"]
        failed = {name: len(f["failures"]) for name, f in families.items() if f["failures"]}
        lines.append(f"checks: {sum(f['checks'] for f in families.values())}, failed: {failed or 0}")
        lines += [f"  {name}: {families[name]['failures'][0][:150]}" for name in list(failed)[:6]]
    if "sanitizers" in run:
        lines.append("sanitizers: " + ", ".join(f"{name} {r['outcome']}" for name, r in run["sanitizers"].items()))
    if "timing" in run:
        timing = run["timing"]
        calls = ", ".join(f"{name} {value:.2f}" for name, value in timing["call"].items())
        lines += [f"copy {timing['copy']['gbs']:.0f} GB/s; host: {calls}"]
        lines.append(
            f"{'kernel':36s}{'shape':>15s} {'type':5s}{'how':6s}{'ms':>9s}{'again':>7s}{'GB/s':>6s}{'roof':>5s}"
            f"{'eager':>7s}{'compil':>7s}{'triton':>7s}"
        )
        for r in timing["rows"]:
            change = 100 * (r["again"]["median"] / r["plait"]["median"] - 1)
            lines.append(
                f"{r['kernel'][:35]:36s}{r['shape']:>15s} {r['dtype']:5s}{r['how']:6s}{r['plait']['median']:9.4f}{change:+6.1f}%"
                f"{r['gbs']:6.0f}{100 * r['share']:4.0f}%" + "".join(f"{ratio_of(r, n):>7s}" for n in PEERS)
            )
        lines += [f"  not run: {what}"[:150] for what in timing["not_run"][:4]]
        lines += [f"  {r['kernel']}: {r['note']}"[:150] for r in timing["rows"] if r["note"]][:4]
    return (lines + [note[:150] for note in run["notes"]])[:58]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--date", required=True)
    parser.add_argument("--commit", required=True)
    parser.add_argument("--library")
    parser.add_argument("--note", action="append", default=[])
    options = parser.parse_args()
    parts = Path(options.parts)
    run: dict = {"date": options.date, "commit": options.commit, "notes": options.note}
    run["environment"] = environment(options.library)
    for name in ("cases", "sanitizers", "timing"):
        if (parts / f"{name}.json").exists():
            run[name] = json.loads((parts / f"{name}.json").read_text())
    for name in ("device_test", "java"):
        if (parts / f"{name}.log").exists():
            run[name] = (parts / f"{name}.log").read_text().splitlines()[-40:]
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    Path(options.out + ".json").write_text(json.dumps(run, indent=1) + "\n")
    Path(options.out + ".md").write_text(markdown(run) + "\n")
    print("\n".join(summary(run)))
    print(f"{options.out}.json, {options.out}.md")
    sys.exit(0)


if __name__ == "__main__":
    main()
