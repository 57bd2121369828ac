"""Running podinit for a test: as process 1 of a PID namespace, or as a plain process.

A test describes a pod, starts it, waits for conditions (each with a deadline) and looks at events,
status and exit code. Signals go only to processes that the test has started, by number; what is
left is killed when the test ends. Nothing here asserts what podinit should do."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
PODINIT = os.environ.get("PODINIT") or str(ROOT / "build/podinit")
PODINIT = str(pathlib.Path(PODINIT).resolve())
PODCTL = os.environ.get("PODCTL") or str(pathlib.Path(PODINIT).with_name("podctl"))
PODCONV = os.environ.get("PODCONV") or str(pathlib.Path(PODINIT).with_name("podconv"))

# The program of helper.c; conftest.py makes it. (A shell would not do: between fork and execve its
# children swallow a signal that the shell has a trap for.)
HELPER = pathlib.Path(tempfile.gettempdir()) / f"e2e-helper-{os.getpid()}" / "helper"

# The program of restrict.c, which takes things away from the program that it starts.
RESTRICT = HELPER.with_name("restrict")

# The program of escape.c, which tries what must not succeed.
ESCAPE = HELPER.with_name("escape")

# The program of filtered.c, which is made with podinit's own system call filters.
FILTERED = HELPER.with_name("filtered")

# The program of notifier.c, which says how it is.
NOTIFIER = HELPER.with_name("notifier")

# Lines that tests want to have shown at the end; conftest.py shows them.
MEASURED = []


def for_everyone(program):
    """A copy where other users reach it too: the project may lie in somebody's private directory.
    conftest.py makes it."""
    return str(HELPER.with_name(pathlib.Path(program).name))


# Ways to start: how podinit becomes what it is in the test.
SANDBOX, UNSHARE, PLAIN = "sandbox", "unshare", "plain"
NAMESPACES = ["unshare", "--fork", "--pid", "--mount-proc", "--net", "--uts", "--ipc"]

PATIENCE = 20  # seconds that something may take which takes none: the machine may be busy


def fill(pipe):
    """Writes "f" to a pipe until it is full to the last byte; how many."""
    filled = 0
    os.set_blocking(pipe, False)
    while True:
        try:
            filled += os.write(pipe, b"f" * 4096)
        except BlockingIOError:
            os.set_blocking(pipe, True)
            return filled


def until(condition, what, seconds=PATIENCE, every=0.005):
    """Waits until condition() is true and returns what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)


def side_by_side(function, items, workers=4):
    """Calls function(item) for each, a few at a time; the first failure is raised."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))


def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def children(pid):
    """The children of all threads of a process."""
    found = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:  # it has ended
        return found
    for task in tasks:
        found += map(int, read(f"/proc/{pid}/task/{task}/children").split())
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def state_of(pid):
    """R, S, Z ...; "" if there is no such process."""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].strip()[:1]


def is_running(pid):
    return state_of(pid) not in ("", "Z", "X")


def memory_kib(pid, field="VmRSS", file="status"):
    for line in read(f"/proc/{pid}/{file}").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return None


def marked(directory):
    """Running processes that come from podinits that were started in or below a directory: all of
    them inherit the environment variable that says so."""
    mark, found = f"E2E_POD={directory}".encode(), []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return [pid for pid in found if is_running(pid)]


def kill(pid, signo=signal.SIGKILL):
    try:
        os.kill(pid, signo)
    except ProcessLookupError:
        pass


class Result:
    """How a podinit ended that was run to its end."""

    def __init__(self, pod):
        self.code, self.output, self.events = pod.code, pod.output(), pod.events()


class Pod:
    """One podinit. `arguments` follow the options that every test needs."""

    def __init__(self, directory, arguments, how, control, events, prefix, **popen):
        self.how, self.directory = how, pathlib.Path(directory)
        self.socket = str(self.directory / "s")
        self.log, self.out = self.directory / "log", self.directory / "out"
        self.events_file = self.directory / "events"
        command = list(NAMESPACES) if how == UNSHARE else []
        command += [*map(str, prefix), for_everyone(PODINIT) if prefix else PODINIT]
        if how == SANDBOX:
            command.append("--sandbox")
        if control is not None:
            command += ["--socket", self.socket] if control else ["--no-control"]
        if events:
            command += ["--events", str(self.events_file)]
        self.command = command + [str(argument) for argument in arguments]
        self._inner = None
        self._lock, self._events, self._read = threading.Lock(), [], 0
        popen["env"] = {**popen.get("env", os.environ), "E2E_POD": str(self.directory)}
        popen.setdefault("stdin", subprocess.DEVNULL)
        # Appended to, as two files: podinit's lines do not come between those of its processes.
        with open(self.log, "ab") as log, open(self.out, "ab") as out:
            popen.setdefault("stdout", out)
            popen.setdefault("stderr", log)
            self.began = time.monotonic()
            self.process = subprocess.Popen(self.command, start_new_session=True, **popen)
        self.pid = self.process.pid

    # --- processes ---

    @property
    def inner(self):
        """The outer process number of podinit itself: of process 1, where there is a namespace."""
        if self._inner is None:
            if self.how == PLAIN:
                self._inner = self.pid
            else:
                self._inner = until(
                    lambda: (children(self.pid) or [0])[0] or self.process.poll() is not None,
                    "podinit has an inner process")
                assert self._inner is not True, f"podinit ended: {self.output()}"
        return self._inner

    def processes(self):
        """Running descendants of podinit, by outer number."""
        return [pid for pid in descendants(self.inner) if is_running(pid)]

    def survivors(self):
        """What runs of it now, podinit too."""
        return marked(self.directory)

    def signal(self, signo):
        """As a user would: to the outer process of a sandbox, else to podinit."""
        os.kill(self.inner if self.how == UNSHARE else self.pid, signo)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds=PATIENCE):
        """Waits for the end; the exit code as a shell sees it."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"podinit did not end within {seconds} s") from None
        return self.code

    @property
    def code(self):
        code = self.process.poll()
        return code if code is None or code >= 0 else 128 - code

    def destroy(self):
        """Kills what is left of it. Process 1 of a namespace takes all others along."""
        if self.process.poll() is None:
            kill(self.pid, signal.SIGSTOP)  # so that nothing new comes
            for pid in descendants(self.pid):
                kill(pid)
            kill(self.pid)
            self.process.wait()
        for pid in self.survivors():  # after a podinit that was killed, or failed its task
            kill(pid)

    # --- what it says ---

    def output(self):
        """What its processes said on standard output, and behind that the log of podinit."""
        return "\n" + read(self.out) + read(self.log)

    def events(self, **wanted):
        """Events so far whose fields are as wanted."""
        with self._lock:
            if self.events_file.exists():
                with open(self.events_file, "rb") as file:
                    file.seek(self._read)
                    whole = file.read().rpartition(b"\n")
                self._read += len(whole[0] + whole[1])
                self._events += map(json.loads, whole[0].splitlines())
            found = list(self._events)
        return [event for event in found if all(event.get(k) == v for k, v in wanted.items())]

    def event(self, count=1, seconds=PATIENCE, **wanted):
        """Waits for an event (or for the count-th) and returns it."""
        until(lambda: len(self.events(**wanted)) >= count or self.code is not None,
              f"event {wanted}", seconds)
        found = self.events(**wanted)
        assert len(found) >= count, f"no event {wanted}: {self.output()}"
        return found[count - 1]

    def running(self, *names):
        """Waits until these processes have started; podinit's own numbers of them."""
        pids = [self.event(reason="Started", process=name)["pid"] for name in names]
        return pids[0] if len(pids) == 1 else pids

    def outer(self, name):
        """The number here of the latest instance of a process: that of the event is the pod's."""
        self.event(reason="Started", process=name)
        inside = str(self.events(reason="Started", process=name)[-1]["pid"])
        for pid in self.processes():
            for line in read(f"/proc/{pid}/status").splitlines():
                if line.startswith("NSpid:") and line.split()[-1] == inside:
                    return pid
        raise AssertionError(f"{name} does not run: {self.output()}")

    def says(self, text, seconds=PATIENCE):
        """Waits for a text in the output."""
        until(lambda: text in self.output() or self.code is not None, f"output {text!r}", seconds)
        assert text in self.output(), f"{text!r} is not in the output"

    def podctl(self, *words, prefix=(), **options):
        until(lambda: listens(self.socket) or self.code is not None, "podinit listens")
        return subprocess.run([*prefix, for_everyone(PODCTL), "-s", self.socket, *map(str, words)], text=True,
                              capture_output=True, timeout=PATIENCE, **options)

    def status(self):
        answer = self.podctl("status", "-o", "json")
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def container(self, name):
        """The status of one process."""
        status = self.status()
        for one in status["initContainerStatuses"] + status["containerStatuses"]:
            if one["name"] == name:
                return one
        raise KeyError(name)


def listens(path):
    """A socket is there a moment before anybody listens on it."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


class Pods:
    """Every podinit of one test. May be used from several threads."""

    def __init__(self, directory):
        self.directory, self.started = pathlib.Path(directory), []
        self.lock = threading.Lock()

    def make_directory(self):
        with self.lock:
            number = len(list(self.directory.glob("pod*")))
            directory = self.directory / f"pod{number}"
            directory.mkdir()
        return directory

    def _start(self, directory, arguments, how=SANDBOX, control=False, events=True, prefix=(),
               **popen):
        pod = Pod(directory, arguments, how, control, events, prefix, **popen)
        with self.lock:
            self.started.append(pod)
        return pod

    def start(self, ini, options=(), **how):
        """Starts the pod of this file."""
        directory = self.make_directory()
        (directory / "pod.ini").write_text(ini)
        return self._start(directory, [*options, "-c", directory / "pod.ini"], **how)

    def run(self, ini, seconds=PATIENCE, **how):
        """Runs the pod of this file to its end."""
        pod = self.start(ini, **how)
        pod.wait(seconds)
        return Result(pod)

    def program(self, *command, options=(), **how):
        """Starts podinit as the entrypoint of a program."""
        return self._start(self.make_directory(), [*options, "--", *command], **how)

    def run_program(self, *command, seconds=PATIENCE, **how):
        pod = self.program(*command, **how)
        pod.wait(seconds)
        return Result(pod)

    def with_arguments(self, *arguments, **how):
        """Starts podinit with these arguments; nothing is said of the control socket."""
        return self._start(self.make_directory(), arguments, control=None, **how)

    def finish(self):
        for pod in self.started:
            pod.destroy()

    def logs(self):
        for pod in self.started[:8]:
            yield f"{' '.join(pod.command)}\nexit code {pod.code}\n{pod.output()[-6000:]}"


def podinit(*arguments, stdin="", **options):
    """Runs podinit where it is expected to end by itself. Returns the finished process."""
    return subprocess.run([PODINIT, *map(str, arguments)], input=stdin, text=True,
                          capture_output=True, timeout=PATIENCE, **options)


def seconds_between(first, second):
    """Of two events."""
    return (second["monotonicNanos"] - first["monotonicNanos"]) / 1e9


def never(*mains):
    """A pod of these mains that never restarts: never("one: sh -c 'exit 1'", ...)"""
    text = "[pod]\nname = test\nrestartPolicy = Never\nterminationGracePeriodSeconds = 5\n"
    for main in mains:
        name, _, command = main.partition(": ")
        text += f"\n[main {name}]\ncommand = {command}\n"
    return text


def polite(name, code=0, milliseconds=0):
    """A command that says "NAME is ready" and ends with `code` some time after SIGTERM."""
    return f"{HELPER} polite {name} {code} {milliseconds}"


def stubborn(name):
    """A command that says "NAME is ready" and does not care for SIGTERM."""
    return f"{HELPER} stubborn {name}"
