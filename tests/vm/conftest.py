"""Fixtures of the tests in a machine. The console of a test's machines is shown only if it failed."""

import os
import pathlib
import subprocess

import pytest

from cgroups import cgvm, nest  # noqa: F401 (fixtures)
from machine import KERNEL, PODINIT, Machine, base

# What tests load in the machine that they share.
MODULES = ["overlay"]


def pytest_sessionstart(session):
    if not os.access(PODINIT, os.X_OK):
        pytest.exit(f"{PODINIT} is missing: run make first", returncode=1)
    if not hasattr(session.config, "workerinput"):  # with -n: once, before the workers begin
        subprocess.run([pathlib.Path(__file__).with_name("kernel.sh"), KERNEL], check=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    machines = list(item.funcargs.get("boot").machines if "boot" in item.funcargs else [])
    machines += [item.funcargs[name] for name in ("vm", "cgvm") if name in item.funcargs]
    for number, machine in enumerate(machines):
        report.sections.append((f"console {number}", machine.console()))


@pytest.fixture(scope="session")
def initramfs(tmp_path_factory):
    return base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def vm(initramfs, tmp_path_factory):
    """The machine that most tests share: podinit with the agent as its one main. Who changes it
    changes it back."""
    machine = Machine(initramfs, tmp_path_factory.mktemp("vm"), modules=MODULES)
    yield machine
    machine.finish()


class Booted:
    """How a machine ended that was run to its end."""

    def __init__(self, machine):
        self.code, self.console = machine.wait_end(), machine.console()

    @property
    def words(self):
        """What podinit said, line by line."""
        return [line for line in self.console.splitlines() if line.startswith("podinit: ")]


class Boot:
    """Machines of one test: boot(files={...}, cmdline="...") runs one until it has gone off by itself,
    boot.machine(...) returns one that runs, whose end boot.ended(machine) waits for. They end with the
    test."""

    def __init__(self, initramfs, directory):
        self.initramfs, self.directory, self.machines = initramfs, directory, []

    def machine(self, **how):
        where = self.directory / str(len(self.machines))
        self.machines.append(Machine(self.initramfs, where, **how))
        return self.machines[-1]

    def __call__(self, **how):
        return Booted(self.machine(**how))

    @staticmethod
    def ended(machine):
        """The same of one that runs, when it has gone off."""
        return Booted(machine)

    def finish(self):
        for machine in self.machines:
            machine.finish()


@pytest.fixture
def boot(initramfs, tmp_path):
    boot = Boot(initramfs, tmp_path)
    yield boot
    boot.finish()
