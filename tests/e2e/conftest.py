"""Fixtures of the end-to-end tests. The log of a test's podinits is shown only if it failed."""

import ctypes
import os
import pathlib
import platform
import resource
import shutil
import signal
import subprocess
import tempfile

import pytest

import containers
from faces import Inits
from pods import (ESCAPE, FILTERED, HELPER, MEASURED, NOTIFIER, PODCONV, PODCTL, PODINIT,
                  RESTRICT, ROOT, Pods)

# Programs that die of SIGSEGV or SIGABRT on purpose leave no core here.
resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


# Who started the tests may ignore signals, as a shell does for what it runs in the background, and an
# entrypoint's program inherits that. Those that the C library keeps for itself Python cannot change; the
# kernel's own call can.
RT_SIGACTION = {"x86_64": 13, "aarch64": 134}


def reset_signals():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    default = ctypes.create_string_buffer(64)
    for signo in (32, 33):
        ctypes.CDLL(None).syscall(RT_SIGACTION[platform.machine()], signo, default, None, 8)


def pytest_sessionstart(session):
    reset_signals()
    for program in (PODINIT, PODCTL, PODCONV):
        if not os.access(program, os.X_OK):
            pytest.exit(f"{program} is missing: run make first", returncode=1)
    if os.geteuid() != 0:
        pytest.exit("the end-to-end tests need root: they make namespaces", returncode=1)
    HELPER.parent.mkdir(mode=0o755)
    for program in (PODINIT, PODCTL):
        shutil.copy(program, HELPER.parent)
    filters = ["-D_GNU_SOURCE", "-iquote", ROOT / "src", *(ROOT / "src/linux").glob("seccomp*.c"),
               "-lseccomp"]
    for program, more in ((HELPER, []), (RESTRICT, []), (FILTERED, filters), (ESCAPE, []),
                          (NOTIFIER, [])):
        source = pathlib.Path(__file__).with_name(program.name + ".c")
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-static", "-pthread", "-o", program,
                        source, *more], check=True)


def pytest_sessionfinish(session):
    shutil.rmtree(HELPER.parent, ignore_errors=True)


def pytest_terminal_summary(terminalreporter):
    """What tests have measured is shown whether they passed or not."""
    if MEASURED:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(MEASURED))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    for name in ("pods", "open_pods"):
        if name in item.funcargs:
            for number, log in enumerate(item.funcargs[name].logs()):
                report.sections.append((f"podinit {number}", log))


@pytest.fixture
def pods(tmp_path):
    """podinits that end with the test."""
    pods = Pods(tmp_path)
    yield pods
    pods.finish()


@pytest.fixture
def open_directory():
    """A directory in which every user may read and write."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="e2e-", dir="/tmp"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def open_pods(open_directory):
    """podinits of other users: their directories are everyone's."""
    mask = os.umask(0)
    pods = Pods(open_directory)
    yield pods
    os.umask(mask)
    pods.finish()


@pytest.fixture
def inits(tmp_path):
    """The inits in whose place podinit is put, and podinit there; see faces.py."""
    inits = Inits(tmp_path)
    yield inits
    inits.finish()


@pytest.fixture(scope="session")
def engine():
    """A podman with the images that are quick to make; see containers.py."""
    with containers.engine() as podman:
        yield podman


@pytest.fixture
def podman(engine):
    """podman without a container; those of the test end with it."""
    yield engine
    engine.remove_all()
