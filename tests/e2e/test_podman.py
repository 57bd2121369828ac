"""podinit and pause under a real podman: as its init, entrypoint, and first container of pods.

podman gets a storage, locks and a state of its own for this file, so that nothing of the machine's
containers is seen or touched. No registry and no network is needed: images are made from scratch,
and the containers have a loopback interface only."""

import contextlib
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import tempfile

import pytest

from pods import HELPER, PODINIT, ROOT, children, descendants, is_running, kill, read, until

MISSING = [tool for tool in ("podman", "runc", "busybox") if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

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


@pytest.fixture(scope="module")
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


@pytest.fixture
def podman(engine):
    """podman without a container; those of the test end with it."""
    yield engine
    engine.remove_all()


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


# --- podman run --init ---

INIT = ["--init", "--init-path", PODINIT]


@pytest.mark.parametrize("code", [0, 7, 255])
def test_as_podmans_init_it_ends_with_the_code_of_the_program(podman, code):
    done = podman.run("run", "--rm", "--network", "none", *INIT, "plain", "sh", "-c",
                      f"echo it ran; exit {code}")
    assert (done.returncode, done.stdout) == (code, "it ran\n")


def test_as_podmans_init_it_has_the_name_that_podman_gives_it(podman):
    first = podman.start("named", *INIT, "plain", "/helper", "polite", "named", 0, 0)
    assert os.path.samefile(f"/proc/{first}/exe", PODINIT)
    # /run/podman-init since podman 4, /dev/init before that.
    name, *words = command_line(first)
    assert name in ("/run/podman-init", "/dev/init")
    assert words == ["--", "/helper", "polite", "named", "0", "0"]


@pytest.mark.parametrize("init", [[], INIT], ids=["without", "podinit"])
def test_as_podmans_init_it_reaps_orphans(podman, init):
    # In the background: a shell that waits would reap orphans as process 1, the program does not.
    first = podman.start("maker", *init, "plain", "sh", "-c",
                         "(/helper orphans 100; echo all made) & exec /helper polite maker 0 0")
    podman.says("maker", "all made")
    if init:
        until(lambda: len(children(first)) == 1, "only the program is left of it")
    else:  # which shows that the test sees zombies: the orphans and the subshell
        until(lambda: len(children(first)) == 101, "without an init all of them stay")


def test_as_podmans_init_it_hands_the_stop_on(podman):
    podman.start("stopped", *INIT, "plain", "/helper", "polite", "stopped", 5, 0)
    podman.says("stopped", "stopped is ready")
    podman("stop", "-t", GRACE, "stopped")
    assert podman.code("stopped") == 5


# --- an image with podinit as its entrypoint ---


@pytest.mark.parametrize("command, code", [(["sh", "-c", "exit 0"], 0), (["sh", "-c", "exit 9"], 9),
                                           (["sh", "-c", "kill -KILL $$"], 137), (["/none"], 127),
                                           (["/bin"], 126)])
def test_as_entrypoint_it_ends_with_the_code_of_the_program(podman, command, code):
    done = podman.run("run", "--rm", "--network", "none", "entrypoint", *command)
    assert done.returncode == code


def test_as_entrypoint_it_lets_a_worker_finish(podman):
    # The main ends at once and takes no worker along. The subshell ignores SIGTERM, so that its
    # helper alone decides when the last line comes.
    podman.start("busy", "entrypoint", "sh", "-c",
                 '(trap "" TERM; /helper polite worker 0 500; echo the last line) &'
                 ' exec /helper polite main 3 0')
    podman.says("busy", "worker is ready")
    podman.says("busy", "main is ready")
    podman("stop", "-t", GRACE, "busy")
    assert podman.code("busy") == 3
    assert "the last line" in podman.output("busy")


def test_as_entrypoint_it_is_asked_with_podctl(podman):
    podman.start("asked", "entrypoint", "/helper", "polite", "asked", 0, 0)
    podman.says("asked", "asked is ready")
    status = json.loads(podman("exec", "asked", "/podctl", "status", "-o", "json"))
    assert status["phase"] == "Running"
    # podctl is of the container too, so it may be told to end before it has said that all is well.
    podman.run("exec", "asked", "/podctl", "shutdown")
    assert podman.code("asked") == 0


def test_a_container_is_a_pod_by_the_file_in_it(podman, tmp_path):
    (tmp_path / "pod.ini").write_text(
        "[pod]\nrestartPolicy = Never\n"
        "[init first]\ncommand = sh -c 'echo first > /order'\n"
        "[sidecar second]\n"
        "command = sh -c 'echo second >> /order; exec /helper polite second 0 0'\n"
        "[main third]\ncommand = sh -c 'echo third >> /order; busybox cat /order; exit 4'\n")
    done = podman.run("run", "--rm", "--network", "none", "-v", f"{tmp_path}:/etc/podinit:ro",
                      "entrypoint")
    assert done.returncode == 4
    # Whether the sidecar's line comes before the main's, nothing says.
    order = [line for line in done.stdout.splitlines() if line in ("first", "second", "third")]
    assert order[0] == "first" and "third" in order


class Terminal:
    """A podman command at a terminal of its own."""

    def __init__(self, podman, *words):
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.said = ""
        self.process = subprocess.Popen([podman.command, *words], stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True)
        os.close(slave)

    def types(self, text):
        os.write(self.master, text.encode())

    def read(self):
        with contextlib.suppress(OSError):  # nothing there; and EIO once the other end is closed
            while True:
                self.said += os.read(self.master, 4096).decode(errors="replace")
        return self.said

    def shows(self, text):
        until(lambda: text in self.read(), f"the terminal shows {text!r}")

    def close(self):
        if self.process.poll() is None:
            kill(self.process.pid)
        self.process.wait()
        os.close(self.master)


def test_as_entrypoint_it_gives_the_program_the_terminal(podman):
    terminal = Terminal(podman, "run", "-it", "--network", "none", "--name", "shell", "entrypoint",
                        "sh")
    try:
        terminal.types("echo sum=$((6*7)) tty=$(busybox tty)\n")
        terminal.shows("sum=42 tty=/dev/pts/0")
        terminal.types("busybox sleep 1000\n")
        first = podman.process("shell")
        until(lambda: ["busybox", "sleep", "1000"] in map(command_line, descendants(first)),
              "it sleeps")
        terminal.types("\x03")  # Ctrl-C, for what runs in front and not for the shell
        terminal.types("echo code=$?\n")
        terminal.shows("code=130")
        assert "job control" not in terminal.said
        terminal.types("exit 9\n")
        assert terminal.process.wait(20) == 9
    finally:
        terminal.close()


# --- podman pod create ---


def make_pod(podman, infra):
    podman("pod", "create", "--name", "pod", "--network", "none", "--share", "net,ipc,uts,pid",
           "--infra-image", f"localhost/{infra}", "--infra-command", f"/{infra}")


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


@INFRA
def test_in_a_pod_it_reaps_the_orphans_of_all_containers(podman, infra):
    make_pod(podman, infra)
    makers = {name: podman.start(name, "--pod", "pod", "plain", "sh", "-c",
                                 f"/helper orphans 100; (/helper polite orphan-of-{name} 0 0 &)"
                                 f" ; exec /helper polite {name} 5 0") for name in ("one", "two")}
    first = podman.infra("pod")[1]
    for kind in ("pid", "net", "ipc", "uts"):
        assert {namespace(pid, kind) for pid in makers.values()} == {namespace(first, kind)}
        assert namespace(first, kind) != namespace("self", kind)
    for name in makers:
        podman.says(name, f"{name} is ready")
        podman.says(name, f"orphan-of-{name} is ready")
    # Those that ended were reaped; those that run have become the infra process's.
    until(lambda: len(children(first)) == 2, "200 orphans were reaped")
    for orphan in children(first):
        assert command_line(orphan)[2].startswith("orphan-of-") and is_running(orphan)
        kill(orphan, signal.SIGTERM)
    until(lambda: not children(first), "the others were reaped when they ended")


@INFRA
def test_in_a_pod_one_container_stops_and_then_the_pod(podman, infra):
    make_pod(podman, infra)
    for name in ("one", "two"):
        podman.start(name, "--pod", "pod", "plain", "/helper", "polite", name, 5, 0)
        podman.says(name, f"{name} is ready")
    podman("stop", "-t", GRACE, "one")
    assert podman.code("one") == 5
    assert is_running(podman.infra("pod")[1]) and is_running(podman.process("two"))
    stop_pod(podman, "pod")


def test_in_a_pod_podinit_lets_the_containers_finish(podman):
    # podman tells all of a pod to stop at once, the infra container too; if that ended first, the
    # kernel would kill the others with its PID namespace.
    make_pod(podman, "podinit")
    for number, name in enumerate(("one", "two"), 3):
        podman.start(name, "--pod", "pod", "plain", "/helper", "polite", name, number, 700)
        podman.says(name, f"{name} is ready")
    stop_pod(podman, "pod")
    assert (podman.code("one"), podman.code("two")) == (3, 4)


# --- podman play kube ---


def make_roots(name):
    subprocess.run([ROOT / "conf/rootfs.sh", name], check=True, capture_output=True, timeout=600)


def import_image(podman, name, *members_of_tar, changes=()):
    """Makes an image out of directories, as tar's arguments name them."""
    options = [f"--change={change}" for change in ("ENV PATH=/usr/sbin:/usr/bin", *changes)]
    tar = subprocess.Popen(["tar", "-c", *map(str, members_of_tar)], stdout=subprocess.PIPE)
    with tar.stdout:
        podman("import", "-q", *options, "-", name, stdin=tar.stdout, seconds=120)
    assert tar.wait() == 0


def fetch(pid, url):
    """The page, by the network of a process; "" if there is none yet."""
    return subprocess.run(["nsenter", "-t", str(pid), "-n", "curl", "-sf", "--max-time", "30", url],
                          capture_output=True, text=True).stdout


# The Pod of conf/two-containers.ini, only that /data is the test's own directory.
TWO_CONTAINERS = """
apiVersion: v1
kind: Pod
metadata:
  name: two-containers
spec:
  restartPolicy: Never
  volumes:
  - name: shared-data
    hostPath:
      path: {data}
  containers:
  - name: nginx-container
    image: nginx
    volumeMounts:
    - name: shared-data
      mountPath: /usr/share/nginx/html
  - name: debian-container
    image: debian
    volumeMounts:
    - name: shared-data
      mountPath: /pod-data
    command: ["/bin/sh"]
    args: ["-c", "echo Hello from the debian container > /pod-data/index.html"]
"""


@pytest.fixture(scope="module")
def images_of_two_containers(engine):
    make_roots("two-containers")
    roots = ROOT / "build/rootfs"
    # What nginx's own image says.
    import_image(engine, "nginx", "-C", roots / "nginx", ".",
                 changes=['CMD ["nginx", "-g", "daemon off;"]', "STOPSIGNAL SIGQUIT"])
    import_image(engine, "debian", "-C", roots / "debian", ".")


@INFRA
def test_play_kube_two_containers(podman, images_of_two_containers, open_directory, infra):
    file = open_directory / "pod.yaml"
    file.write_text(TWO_CONTAINERS.format(data=open_directory))
    podman("play", "kube", "--network", "none", file, infra=infra)
    first = podman.infra("two-containers")[1]
    assert command_line(first) == [f"/{infra}"]
    nginx = podman.process("two-containers-nginx-container")
    # The network is the infra process's; each container is in a PID namespace of its own, as ever.
    assert namespace(nginx, "net") == namespace(first, "net") != namespace("self", "net")
    assert namespace(nginx, "pid") != namespace(first, "pid")
    assert podman.code("two-containers-debian-container") == 0
    page = until(lambda: fetch(first, "http://127.0.0.1/"), "nginx serves", every=0.1)
    assert page == "Hello from the debian container\n"
    stop_pod(podman, "two-containers")
    assert podman.code("two-containers-nginx-container") == 0


# As the README shows it: the file comes out of its image into a container that knows nothing of it.
INSTALLED = """
apiVersion: v1
kind: Pod
metadata:
  name: installed
spec:
  restartPolicy: Never
  volumes:
  - name: podinit
    emptyDir: {}
  initContainers:
  - name: install
    image: localhost/podinit:latest
    command: ["/podinit", "--install", "/opt/podinit"]
    volumeMounts:
    - name: podinit
      mountPath: /opt/podinit
  containers:
  - name: app
    image: localhost/plain:latest
    command: ["/opt/podinit/podinit", "--", "/helper", "polite", "app", "3", "0"]
    volumeMounts:
    - name: podinit
      mountPath: /opt/podinit
      readOnly: true
"""


def test_play_kube_an_init_container_brings_podinit(podman, tmp_path):
    (tmp_path / "pod.yaml").write_text(INSTALLED)
    podman("play", "kube", "--network", "none", tmp_path / "pod.yaml", infra="pause")
    app = podman.process("installed-app")
    assert command_line(app)[0] == "/opt/podinit/podinit"
    podman.says("installed-app", "app is ready")
    assert [command_line(child)[:3] for child in children(app)] == [["/helper", "polite", "app"]]
    podman("stop", "-t", GRACE, "installed-app")
    assert podman.code("installed-app") == 3


# The Pod of conf/javaweb.ini. Without hostPort, which needs a bridge. OnFailure, because podman 4.3
# restarts an init container that succeeded if the Pod says Always. With one PID namespace for all,
# process 1 is podinit and not the shell before Tomcat, which as process 1 would not see a SIGTERM.
JAVAWEB = """
apiVersion: v1
kind: Pod
metadata:
  name: javaweb-2
spec:
  restartPolicy: OnFailure
  shareProcessNamespace: true
  initContainers:
  - image: geektime/sample:v2
    name: war
    command: ["cp", "/sample.war", "/app"]
    volumeMounts:
    - mountPath: /app
      name: app-volume
  containers:
  - image: geektime/tomcat:7.0
    name: tomcat
    command: ["sh","-c","/root/apache-tomcat-7.0.42-v2/bin/start.sh"]
    volumeMounts:
    - mountPath: /root/apache-tomcat-7.0.42-v2/webapps
      name: app-volume
  volumes:
  - name: app-volume
    emptyDir: {}
"""

START_TOMCAT = """#!/bin/sh
export JAVA_HOME=/usr/lib/jvm/default-java CATALINA_HOME=/usr/share/tomcat10
export CATALINA_BASE=/root/apache-tomcat-7.0.42-v2
exec $CATALINA_HOME/bin/catalina.sh run
"""


@pytest.fixture(scope="module")
def images_of_javaweb(engine):
    make_roots("javaweb")
    roots = ROOT / "build/rootfs"
    import_image(engine, "geektime/sample:v2", "-C", roots / "war", ".")
    # Debian's Tomcat, once more where the Pod looks for it.
    extra, base = engine.directory / "tomcat", "root/apache-tomcat-7.0.42-v2"
    shutil.copytree(roots / "tomcat/var/lib/tomcat10", extra / base, symlinks=True)
    (extra / base / "bin").mkdir(exist_ok=True)
    (extra / base / "bin/start.sh").write_text(START_TOMCAT)
    (extra / base / "bin/start.sh").chmod(0o755)
    import_image(engine, "geektime/tomcat:7.0", "-C", roots / "tomcat", ".", "-C", extra, base)


def test_play_kube_javaweb(podman, images_of_javaweb, tmp_path):
    (tmp_path / "pod.yaml").write_text(JAVAWEB)
    podman("play", "kube", "--network", "none", tmp_path / "pod.yaml", infra="podinit")
    first = podman.infra("javaweb-2")[1]
    tomcat = podman.process("javaweb-2-tomcat")
    assert command_line(first) == ["/podinit"]
    assert namespace(tomcat, "pid") == namespace(first, "pid")
    page = until(lambda: not is_running(tomcat) or fetch(first, "http://127.0.0.1:8080/sample/"),
                 "Tomcat serves the page", seconds=120, every=0.3)
    assert page is not True, podman.output("javaweb-2-tomcat")
    assert "Hello from the WAR: 6*7 = 42" in page and "Apache Tomcat" in page
    stop_pod(podman, "javaweb-2")
