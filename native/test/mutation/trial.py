"""Building a mutated tree and asking the tests about it."""

import copy
import hashlib
import os
import re
import resource
import shutil
import subprocess
from pathlib import Path

# One SIMD target, the optimisation that compiles fastest, and the contraction of the real build.
FLAGS = "-w -O1 -DHWY_COMPILE_ONLY_STATIC -march=x86-64-v3 -maes -mpclmul"
# Beyond what the tests of the unchanged tree take, in seconds of processor time: what hangs is killed.
PATIENCE = 20
WALL_LIMIT = 1800
FAILED_CASE = r"TEST CASE:\s*([^\n]*?)\s*\n\n\S+:\d+: (?:FATAL )?ERROR"
# A suite that takes longer than this is asked for its quick cases first, and then for those that take longer than that.
SLOW_SUITE, SLOW_CASE = 10, 1


class Command:
    """A test program: passes, fails, or takes too long."""

    def __init__(self, name, arguments, environment=None, reports_cases=True, like=None):
        self.name, self.arguments, self.environment = name, arguments, environment or {}
        self.reports_cases = reports_cases  # whether it is doctest's
        self.like = like  # the same program on another machine, whose times hold for this one
        self.cpu_limit = 600
        self.excluded, self.only, self.slow = [], [], []

    def split(self):
        """The quick cases, and the slow ones by themselves."""
        if not self.slow:
            return self, None
        quick, slow = copy.copy(self), copy.copy(self)
        quick.excluded, slow.only = self.excluded + self.slow, self.slow
        return quick, slow

    def run(self, stop_early=True):
        """(why it failed or None, output, seconds of processor time)."""
        arguments = list(self.arguments)
        if self.reports_cases:
            arguments += ["--abort-after=1"] if stop_early else ["--duration"]
            arguments += [
                f"--test-case{option}=" + ",".join(name.replace(",", "?") for name in names)
                for option, names in (("", self.only), ("-exclude", self.excluded)) if names
            ]  # fmt: skip
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive", **self.environment}
        limit = int(self.cpu_limit)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with subprocess.Popen(
            arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1)),
        ) as process:  # fmt: skip
            try:
                output, _ = process.communicate(timeout=WALL_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                return "time-out", "", limit
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if process.returncode == 0:
            return None, output, seconds
        if process.returncode in (-9, -24):
            return "time-out", output, seconds
        return self._reason(process.returncode, output), output, seconds

    def _reason(self, code, output):
        case = re.search(FAILED_CASE, output)
        return f"{self.name}: " + (case.group(1) if case else f"exit {code}")


class Tree:
    """A scratch copy of the sources with a build folder, which is put back as it was after every mutant."""

    def __init__(self, root, scratch, project, options, libraries, tests, commands, jobs):
        self.scratch, self.build = Path(scratch), Path(scratch) / f"build-{project}"
        self.libraries, self.tests, self.jobs = libraries, tests, jobs
        self._copy_sources(Path(root))
        self.build.mkdir(parents=True, exist_ok=True)
        self._call(["cmake", "-S", str(self.scratch / project), "-B", str(self.build), "-G", "Ninja",
                    "-DPLAIT_BUILD_TESTS=ON", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_LINK_DEPENDS_NO_SHARED=ON",
                    f"-DCMAKE_PROJECT_plait_INCLUDE={Path(__file__).parent / 'fast.cmake'}",
                    f"-DCMAKE_CXX_FLAGS={FLAGS}", *options])  # fmt: skip
        if not self._ninja(libraries + tests):
            raise SystemExit(f"the unchanged tree does not build in {self.build}")
        self.commands = commands(self.build)
        for command in self.commands:
            self._learn(command)
        parts = [command.split() for command in self.commands]
        self.commands = [quick for quick, _ in parts] + [slow for _, slow in parts if slow]
        self._save()

    def judge(self, mutant):
        """('killed' | 'survived' | 'equivalent' | 'uncompilable', why)."""
        path = self.scratch / mutant.path
        text = path.read_text()
        times = path.stat()
        try:
            path.write_text(mutant.apply(text))
            return self._judge_built()
        finally:
            path.write_text(text)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            self._restore()

    def _judge_built(self):
        # First the tests as they are, then those that include the header that has changed.
        verdict = "equivalent", "same object code"
        for programs in (self.libraries, self.libraries + self.tests):
            before = self._digest(programs)
            if not self._ninja(programs):
                return "uncompilable", ""
            if self._digest(programs) == before:
                continue
            for command in self.commands:
                why, _, _ = command.run()
                if why:
                    return "killed", why
            verdict = "survived", ""
        return verdict

    def _copy_sources(self, root):
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "native", "cuda"],
            check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        for name in listed.stdout.splitlines():
            origin, copy = root / name, self.scratch / name
            if origin.exists() and not (copy.exists() and copy.read_bytes() == origin.read_bytes()):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(origin, copy)

    def _call(self, arguments):
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)

    def _ninja(self, programs):
        call = ["ninja", "-C", str(self.build), f"-j{self.jobs}", *programs]
        return subprocess.run(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode == 0

    def _digest(self, programs):
        return [hashlib.sha256((self.build / p).read_bytes()).hexdigest() for p in programs]

    def _learn(self, command):
        """How long a command takes, and what fails already."""
        if command.like:
            command.cpu_limit, command.slow = command.like.cpu_limit, command.like.slow
            return
        why, output, seconds = command.run(stop_early=False)
        if why and command.reports_cases:
            command.excluded = sorted(set(re.findall(FAILED_CASE, output)))
            why, _, seconds = command.run(stop_early=False)
            print(f"{command.name}: left out, as the unchanged tree fails them: {command.excluded}", flush=True)
        if why:
            raise SystemExit(f"the unchanged tree fails {why}\n{output[-2000:]}")
        command.cpu_limit = PATIENCE + 5 * seconds
        durations = re.findall(r"^(\d+\.\d+) s: (.*?)\s*$", output, re.M)
        if sum(float(d) for d, _ in durations) > SLOW_SUITE:
            command.slow = [name for d, name in durations if float(d) > SLOW_CASE and name not in command.excluded]
        print(f"{command.name}: {seconds:.1f} s", flush=True)

    def _files(self):
        return {
            str(p.relative_to(self.build)): p.stat().st_mtime_ns
            for p in self.build.rglob("*")
            if p.is_file() and not p.is_symlink()
        }

    def _save(self):
        self.backup = self.scratch / (self.build.name + "-saved")
        shutil.rmtree(self.backup, ignore_errors=True)
        shutil.copytree(self.build, self.backup)
        self.saved = self._files()

    def _restore(self):
        for name, time_ns in self._files().items():
            if name not in self.saved:
                (self.build / name).unlink()
            elif self.saved[name] != time_ns:
                shutil.copy2(self.backup / name, self.build / name)


def native(root, scratch, jobs, jar):
    """The CPU library, its C++ tests, and `plait verify` on it if there is a jar."""

    def commands(build):
        result = [Command("plait_test", [str(build / "test" / "plait_test")])]
        if jar:
            cache = Path(scratch) / "javacpp"
            java = ["java", "-Dorg.bytedeco.javacpp.pathsFirst=true", f"-Djava.library.path={build}",
                    f"-Dorg.bytedeco.javacpp.cachedir={cache}", "-jar", jar, "verify", "--quick"]  # fmt: skip
            result.append(Command("plait verify --quick", java, reports_cases=False))
        return result

    return Tree(root, scratch, "native", [], ["libplait.so"], ["test/plait_test"], commands, jobs)


def cuda(root, scratch, jobs, _):
    """The CUDA kernels in the emulator of a GPU: their own tests, and the CPU library's on them."""

    def commands(build):
        device_test, failure_test = build / "test/plait_device_test", build / "test/plait_failure_test"
        plait_test = build / "test/native/test/plait_test"
        plugin = {"PLAIT_CUDA_PLUGIN": str(build / "libplait_cuda.so")}
        result, first = [], [None, None]
        for capability in ("9.0", "8.0", "8.6"):
            machine = {**plugin, "PLAIT_SIMT_CAPABILITY": capability}
            if capability == "8.6":
                machine["PLAIT_SIMT_SHARED_MEMORY"] = "101376"
            as_device = {**machine, "PLAIT_TEST_DEVICE": "0", "PLAIT_SIMT_ANY_POINTER": "1"}
            result.append(Command(f"plait_device_test {capability}", [str(device_test)], machine, like=first[0]))
            result.append(Command(f"plait_test {capability}", [str(plait_test)], as_device, like=first[1]))
            first = result[:2]
        result.append(Command("plait_failure_test", [str(failure_test)], plugin))
        for name, machine in (("a machine with no driver", {"PLAIT_SIMT_DEVICES": "-1"}),
                              ("a machine with no device", {"PLAIT_SIMT_DEVICES": "0"}),
                              ("an old device", {"PLAIT_SIMT_CAPABILITY": "7.5"})):  # fmt: skip
            arguments = [str(failure_test), "--no-skip", f"--test-case={name}*"]
            result.append(Command("plait_failure_test: " + name, arguments, {**plugin, **machine}))
        return result

    tests = ["test/plait_device_test", "test/plait_failure_test", "test/native/test/plait_test"]
    return Tree(root, scratch, "cuda", ["-DPLAIT_SIMT=ON"], ["libplait_cuda.so"], tests, commands, jobs)
