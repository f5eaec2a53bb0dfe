"""Runs smallsweep.py by itself and under each tool of compute-sanitizer, and writes what they found.

    python3 sanitizers.py --library libplait.so --out sanitizers.json [--seconds 60]
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
FOUND = 86  # the exit status that says that a tool found something
REFUSALS = (
    "Device not supported", "not supported on this", "Unable to find injection", "unsupported driver", "LibraryNotLoaded",
)  # fmt: skip


def run(command: list[str], seconds: int) -> dict:
    begun = time.monotonic()
    # Python's own allocations are no business of the tools; it prints as it goes.
    try:
        child = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
        status, output = child.returncode, child.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        status, output = None, (error.stdout or b"").decode(errors="replace")
    return {"status": status, "seconds": time.monotonic() - begun, "output": output}


def outcome(result: dict) -> str:
    """"clean", "failed", or why it says nothing."""
    status, output = result["status"], result["output"]
    if any(text in output for text in REFUSALS):
        return "not run: the tool refuses this device"
    if status is None:
        return f"not finished in {result['seconds']:.0f} s"
    errors = re.search(r"(ERROR|RACECHECK) SUMMARY: (\d+)", output)
    if errors is None:
        return "not run: no summary"
    finished = "smallsweep:" in output
    if status == 0 and int(errors.group(2)) == 0 and finished:
        return "clean"
    return "failed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--on-host", action="store_true", help="the emulator: the sweep alone")
    options = parser.parse_args()
    sweep = [sys.executable, str(Path(__file__).with_name("smallsweep.py")), options.library]
    plain = run(sweep + ["--on-host"] * options.on_host, options.seconds)
    lines = plain["output"].strip().splitlines()
    result = "clean" if plain["status"] == 0 else "failed"
    results = {"sweep": {"outcome": result, "tail": lines[-20:], "seconds": plain["seconds"]}}
    print(f"  small sweep beside the CPU backend: {result}: {lines[-1] if lines else ''}", flush=True)
    tool = shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")
    for name in () if options.on_host else TOOLS:
        if tool is None:
            results[name] = {"outcome": "not run: there is no compute-sanitizer", "seconds": 0.0}
        else:
            flags = ["--tool", name, "--error-exitcode", str(FOUND)]
            result = run([tool, *flags, *sweep], options.seconds)
            tail = result["output"].strip().splitlines()[-40:]
            results[name] = {"outcome": outcome(result), "tail": tail, "seconds": result["seconds"]}
        print(f"  {name}: {results[name]['outcome']}", flush=True)
        if results[name]["outcome"] == "failed":
            print("\n".join("    " + line for line in results[name]["tail"][-12:]), flush=True)
    Path(options.out).write_text(json.dumps(results, indent=1))
    sys.exit(any(r["outcome"] == "failed" for r in results.values()))


if __name__ == "__main__":
    main()
