"""A podman of the tests' own: with a storage, locks and a state of its own, so that nothing of the
machine's containers is seen or touched. No registry and no network is needed: images are made from
scratch, and the containers have a loopback interface only."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from pods import HELPER, PODINIT, ROOT, read, until

MISSING = [tool for tool in ("podman", "runc", "busybox") if not shutil.which(tool)]
needs_podman = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

# Where podinit and pause stand in the images of contrib/container.
INFRA = pytest.mark.parametrize("infra", ["pause", "podinit"])
GRACE = 10  # seconds, podman's own default


class Podman:
    """A podman with a directory of its own. Called with the words of a command, it returns what
    that says on standard output."""

    # default_ulimits: podman's own are higher than root may have without CAP_SYS_RESOURCE.
    # runc: crun of Debian 12 refuses a mixture of cgroup v1 and v2.
    CONF = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
tmp_dir = "{0}/state"
infra_image = "localhost/{1}"
infra_command = "/{1}"
[network]
network_backend = "netavark"
network_config_dir = "{0}/networks"
"""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        for infra in ("pause", "podinit"):
            (self.directory / f"{infra}.conf").write_text(self.CONF.format(directory, infra))
        # As a file, so that a script may be told to use this podman.
        self.command = self.directory / "podman"
        self.command.write_text(
            f'#!/bin/sh\nexport CONTAINERS_CONF={directory}/${{INFRA:-podinit}}.conf\n'
            f'exec podman --root {directory}/root --runroot {directory}/run "$@"\n')
        self.command.chmod(0o755)

    def run(self, *words, seconds=60, infra="podinit", **options):
        """Runs one command of podman to its end, however it ends."""
        words = list(map(str, words))
        done = subprocess.run([self.command, *words], text=True, errors="replace", timeout=seconds,
                              capture_output=True, env={**os.environ, "INFRA": infra}, **options)
        # Shown if the test fails.
        print(f"$ podman {' '.join(words)}\n{done.stdout}{done.stderr}exit code {done.returncode}")
        return done

    def __call__(self, *words, **options):
        done = self.run(*words, **options)
        assert done.returncode == 0, f"podman {words[0]}: {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    def start(self, name, *words):
        """Starts a container in the background. Returns the outer number of its first process."""
        network = [] if "--pod" in words else ["--network", "none"]
        self("run", "-d", "--name", name, *network, *words)
        return self.process(name)

    def process(self, container):
        return int(self("inspect", container, "--format", "{{.State.Pid}}"))

    def code(self, container):
        """Waits for the end of a container; its exit code."""
        return int(self("wait", container))

    def output(self, container):
        said = self.run("logs", container)
        return said.stdout + said.stderr

    def says(self, container, text):
        until(lambda: text in self.output(container), f"{container} says {text!r}", every=0.05)

    def infra(self, pod):
        """The infra container of a pod, and the outer number of its process."""
        container = self("pod", "inspect", pod, "--format", "{{.InfraContainerID}}")
        return container, self.process(container)

    def remove_all(self):
        """Of this storage: everything in it is the tests' own."""
        pods = self("pod", "ps", "-q", "--no-trunc").split()
        if pods:
            self.run("pod", "rm", "-a", "-f", "-t", 0)
            self.run("volume", "rm", "-a", "-f")
        self.run("rm", "-a", "-f", "-t", 0)
        # The cgroups of its pods; podman forgets those in a v2 tree beside v1 controllers.
        for pod in pods:
            for group in pathlib.Path("/sys/fs/cgroup").glob(f"*/libpod_parent/{pod}"):
                with contextlib.suppress(OSError):
                    group.rmdir()
        assert self("ps", "-a", "-q") == ""

    def destroy(self):
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.remove_all()
        for line in read("/proc/self/mountinfo").splitlines():
            if line.split()[4].startswith(f"{self.directory}/"):
                subprocess.run(["umount", "-l", line.split()[4]])
        shutil.rmtree(self.directory)


@contextlib.contextmanager
def engine():
    """A podman, and the images that are quick to make: localhost/podinit and localhost/pause of
    contrib/container; plain, a busybox and the tests' helper; entrypoint, the same upon podinit."""
    podman = Podman(tempfile.mkdtemp(prefix="e2e-podman-", dir="/tmp"))
    podman.directory.chmod(0o755)  # nginx reads a page as www-data
    try:
        subprocess.run([ROOT / "contrib/container/build.sh", pathlib.Path(PODINIT).parent],
                       env={**os.environ, "PODMAN": str(podman.command)}, check=True)
        files = podman.directory / "files"
        (files / "bin").mkdir(parents=True)
        shutil.copy(HELPER, files / "helper")
        shutil.copy(shutil.which("busybox"), files / "bin/busybox")
        (files / "bin/sh").symlink_to("busybox")
        for image, base in (("plain", "scratch"), ("entrypoint", "localhost/podinit")):
            podman("build", "-q", "-t", f"localhost/{image}", "-f", "-", files,
                   input=f"FROM {base}\nCOPY . /\nENV PATH=/bin\n")
        yield podman
    finally:
        podman.destroy()


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def members(pid_namespace):
    """The processes of a PID namespace, by outer number."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and namespace(entry.name, "pid") == pid_namespace:
                found.append(int(entry.name))
    return found


def command_line(pid):
    return read(f"/proc/{pid}/cmdline").split("\0")[:-1]


def stop_pod(podman, pod):
    """Stops a pod and checks that nothing of it is left."""
    container, infra = podman.infra(pod)
    pid_namespace = namespace(infra, "pid")
    # Held open, so that its number does not become another one's.
    held = os.open(f"/proc/{infra}/ns/pid", os.O_RDONLY)
    try:
        podman.run("pod", "stop", "-t", GRACE, pod)
        # Not 137, so it ended by itself in time.
        assert podman.code(container) == 0
        until(lambda: not members(pid_namespace), "no process is left")
    finally:
        os.close(held)
    assert podman("pod", "inspect", pod, "--format", "{{.State}}") == "Exited"
