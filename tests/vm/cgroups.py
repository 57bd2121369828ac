"""podinits inside the machine, each with a directory of the cgroup tree to itself.

    pod = nest.start(ini)               with --cgroup /sys/fs/cgroup/podN, which it makes
    pod.event(reason="Started", process="web")
    pod.read("web/memory.max")          a file of a process's cgroup
    pod.stop()                          its exit code
"""

import json
import os
import pathlib
import subprocess
import time

import pytest

from machine import PATIENCE, PODINIT, Machine

ROOT = "/sys/fs/cgroup"

HERE = pathlib.Path(__file__).parent
SOURCES = [HERE / "cg.c", HERE / "../../src/linux/cgroup_file.c",
           HERE / "../../src/linux/cgroup_kill.c"]


def programs(directory):
    """What these tests need in a machine: cg.c's program, and podinit for everyone."""
    program = directory / "cg"
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-static", "-o", program, *SOURCES], check=True)
    return {"/bin/cg": program, "/bin/podinit": PODINIT}


@pytest.fixture(scope="session")
def cgvm(initramfs, tmp_path_factory):
    """A machine for cgroups alone."""
    directory = tmp_path_factory.mktemp("cgroups")
    machine = Machine(initramfs, directory, files=programs(directory))
    yield machine
    machine.finish()


@pytest.fixture
def nest(cgvm):
    nest = Nest(cgvm)
    yield nest
    nest.finish()


def until(condition, what, seconds=PATIENCE, every=0.1):
    """Waits until condition() is true and returns what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(every)


def running(machine, arguments):
    """The numbers of the processes that were called with these arguments."""
    rows = [line.split(None, 1) for line in machine.out("ps -o pid,args").splitlines()]
    return [pid for pid, *args in rows if args == [arguments]]


def make_root(machine, path, files=()):
    """A root file system for a process: a shell and its applets, cg, and copies of these files."""
    machine.out(f"mkdir -p {path}/bin {path}/tmp {path}/proc {path}/sys {path}/dev {path}/etc; "
                f"touch {path}/etc/hosts; cp /bin/busybox /bin/cg {path}/bin/; "
                f"for one in sh cat echo ls sleep; do ln -s busybox {path}/bin/$one; done")
    for file in files:
        machine.out(f"mkdir -p {path}{os.path.dirname(file)}; cp {file} {path}{file}")


class Pod:
    def __init__(self, vm, name, ini, options, before):
        self.vm, self.files = vm, f"/tmp/{name}"
        self.base = f"{ROOT}/{name}"
        if options is None:
            options = f"--cgroup {self.base}"
        self.command = f"podinit {options} --socket {self.files}/s --events {self.files}/events " \
            f"-c {self.files}/pod.ini"
        # Its exit code goes into a file; the shell that writes it is in nobody's cgroup but the
        # agent's.
        run = f"sh -c 'echo $$ >{self.files}/pid; exec {self.command}'"
        # All in one script: each takes the emulated machine a while.
        vm.out(f"mkdir -p {self.files} && chmod 777 {self.files} && cat >{self.files}/pod.ini; "
               f"(cd /; set +e; {before} {run} >{self.files}/log 2>&1; "
               f"echo $? >{self.files}/code.new; mv {self.files}/code.new {self.files}/code) "
               "</dev/null >/dev/null 2>&1 &", stdin=ini.encode())

    def log(self):
        return self.vm.run(f"cat {self.files}/log").out

    @property
    def code(self):
        code = self.vm.run(f"cat {self.files}/code").out.strip()
        return int(code) if code else None

    def events(self, **wanted):
        lines = self.vm.run(f"cat {self.files}/events").out.splitlines(True)
        found = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in found if all(event.get(k) == v for k, v in wanted.items())]

    def event(self, count=1, **wanted):
        """Waits for an event (or for the count-th) and returns it."""
        until(lambda: len(self.events(**wanted)) >= count or self.code is not None, str(wanted))
        found = self.events(**wanted)
        assert len(found) >= count, f"no event {wanted}: {self.log()}"
        return found[count - 1]

    def pid(self, name, count=1):
        return self.event(count, reason="Started", process=name)["pid"]

    def says(self, text):
        until(lambda: text in self.log() or self.code is not None, text)
        assert text in self.log()

    def read(self, path):
        return self.vm.out(f"cat {self.base}/pod/{path}")

    def container(self, name):
        """The status of one process."""
        status = json.loads(self.vm.out(f"podctl -s {self.files}/s status -o json"))
        return next(one for one in status["containerStatuses"] if one["name"] == name)

    @property
    def podinit(self):
        """Its number."""
        return int(self.vm.out(f"cat {self.files}/pid"))

    def wait(self):
        return until(lambda: self.code is not None, "podinit ends") and self.code

    def stop(self):
        if self.code is None:
            self.vm.out(f"podctl -s {self.files}/s shutdown")
        return self.wait()


class Nest:
    """The podinits of one test; they end with it."""

    count = 0

    def __init__(self, vm):
        self.vm, self.pods = vm, []

    def start(self, ini, options=None, before=""):
        """`before`: a command that runs podinit; {base} in it is the pod's own directory, which then is
        made."""
        Nest.count += 1
        name = f"pod{Nest.count}"
        if "{base}" in before:
            self.vm.out(f"mkdir {ROOT}/{name}")
        self.pods.append(Pod(self.vm, name, ini, options, before.format(base=f"{ROOT}/{name}")))
        return self.pods[-1]

    def run(self, ini, **how):
        pod = self.start(ini, **how)
        pod.wait()
        return pod

    def finish(self):
        for pod in self.pods:
            if pod.code is None:
                self.vm.run(f"podctl -s {pod.files}/s shutdown")
                until(lambda pod=pod: pod.code is not None, "podinit ends")
            self.vm.run(f"rmdir {pod.base}")


def pod(*mains, policy="Never", pod="", **keys):
    """A pod.ini; each main is "NAME: COMMAND", and keys are more lines of that main."""
    text = f"[pod]\nname = test\nrestartPolicy = {policy}\nterminationGracePeriodSeconds = 2\n{pod}\n"
    for main in mains:
        name, _, command = main.partition(": ")
        text += f"[main {name}]\ncommand = {command}\n" + keys.get(name, "") + "\n"
    return text
