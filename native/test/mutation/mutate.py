#!/usr/bin/env python3
"""Mutation testing of the C++ and CUDA sources: small faults by rule, one at a time, and whether the tests notice.

  mutate.py --list                                    every mutant
  mutate.py --list --id native/src/extremes.h:10:13:boundary      one, with its diff
  mutate.py --sample 200 --seed 1 --out native.jsonl  judges a sample of native/, spread over files and rules
  mutate.py --project cuda --sample 60 --out cuda.jsonl
  mutate.py --survivors native.jsonl --jar java/plait-lab/target/plait.jar   judges those again that survived
  mutate.py --report native.jsonl cuda.jsonl          tables in Markdown

Works on a scratch copy of the tree as it stands, uncommitted changes included. README.md says how mutants are judged.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import report
import rules
import source
import trial

ROOT = Path(__file__).resolve().parents[3]
# Neither mathematics nor kernels: loading, dispatch, measuring.
LEFT_OUT = {
    "native/src/bandwidth.cpp", "native/src/cuda_plugin.cpp", "native/src/cuda_plugin.h", "native/src/host_device.h",
    "native/src/kernels.cpp", "native/src/kernels.h", "native/src/library.cpp", "native/src/status.cpp",
    "native/src/status.h",
}  # fmt: skip


def sources(project):
    """The files of a project that are mutated, with their text, and what their enumerators become."""
    folder = ROOT / project / "src"
    every = {p.relative_to(ROOT).as_posix(): p.read_text() for p in sorted(folder.iterdir()) if p.is_file()}
    contract = (ROOT / "native/include/plait.h").read_text()
    shared = [p.read_text() for p in sorted((ROOT / "native/src").iterdir())]
    neighbours = source.enumerators([contract, *shared, *every.values()])
    return {path: text for path, text in every.items() if path not in LEFT_OUT}, neighbours


def pool(project, patterns):
    """The mutants of the files that contain one of the patterns, or of all of them."""
    texts, neighbours = sources(project)
    chosen = [p for p in texts if not patterns or any(pattern in p for pattern in patterns)]
    return texts, [m for path in chosen for m in rules.mutants(path, texts[path], neighbours)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", choices=("native", "cuda"), default="native")
    parser.add_argument("--list", action="store_true", help="print mutants rather than judge them")
    parser.add_argument("--file", action="append", metavar="PART", help="only files whose path contains this")
    parser.add_argument("--id", action="append", metavar="ID", help="only this mutant")
    parser.add_argument("--survivors", metavar="FILE", help="only those that survived according to FILE")
    parser.add_argument("--sample", type=int, metavar="N", help="that many, spread over files and rules")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", metavar="FILE", help="append a line of JSON per mutant that it has not got")
    parser.add_argument("--jar", metavar="FILE", help="plait.jar, for `plait verify --quick` where the C++ tests pass")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--scratch", default=str(ROOT / "native/target/mutation"))
    parser.add_argument("--report", nargs="+", metavar="FILE", help="print the tables of earlier runs")
    options = parser.parse_args()
    if options.report:
        print(report.markdown([report.read(f) for f in options.report]))
        return
    texts, chosen = pool(options.project, options.file)
    if options.survivors:
        survivors = {r["id"] for r in report.read(options.survivors) if r["verdict"] == "survived"}
        chosen = [m for m in chosen if m.id in survivors]
    if options.id:
        chosen = [m for m in chosen if m.id in options.id]
    if options.sample:
        chosen = rules.sample(chosen, options.sample, options.seed)
    if options.list:
        for mutant in chosen:
            print(mutant.id)
            if options.id:
                print(mutant.diff(texts[mutant.path]))
        return
    judge(chosen, texts, options)


def judge(chosen, texts, options):
    done = {r["id"] for r in report.read(options.out)} if options.out and Path(options.out).exists() else set()
    chosen = [m for m in chosen if m.id not in done]
    tree = getattr(trial, options.project)(ROOT, options.scratch, options.jobs, options.jar)
    for i, mutant in enumerate(chosen):
        start = time.monotonic()
        verdict, why = tree.judge(mutant)
        result = {
            "id": mutant.id, "file": mutant.path, "rule": mutant.rule, "verdict": verdict, "why": why,
            "diff": mutant.diff(texts[mutant.path]), "seconds": round(time.monotonic() - start, 1),
        }  # fmt: skip
        print(f"{i + 1}/{len(chosen)} {mutant.id} {verdict} {why}", flush=True)
        if verdict == "survived":
            print(result["diff"], flush=True)
        if options.out:
            with open(options.out, "a") as out:
                out.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    sys.exit(main())
