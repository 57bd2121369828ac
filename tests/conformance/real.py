"""The driver of the real binary, as process 1 of a sandbox for each pod: writes the pod's file (with its times
scaled), does to it what the case says, and records lines of the actors, events and every status that differs from
the one before. Does not judge."""

import json
import os
import pathlib
import re
import signal
import socket
import sys
import time
from multiprocessing import get_context

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import pods  # noqa: E402

from judge import judge  # noqa: E402
from record import Entry, Record, nothing_yet  # noqa: E402
from virtual import Broken  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
EVERY = 0.03  # seconds between two looks
PATIENCE = 1.0  # seconds that something may come later than it should, on a machine that is busy

# Who starts takes much of the machine for a moment: not all at once, or nobody is in time for anything.
STARTING = get_context("fork").Semaphore(4)

# What podinit would have to be able to do, for these to be done to it.
NOT_YET = {
    "restart-supervisor": "podinit cannot be restarted under its processes yet",
}


def why_not(pod):
    """Why a pod cannot run here; None: it can."""
    if pod.only == "virtual":
        return pod.because or "only the virtual clock can show it"
    for order in pod.orders:
        reason = NOT_YET.get(order.action.split()[0])
        if reason:
            return reason
    return None


# --- scaled times ---

SECONDS = re.compile(r"^(\s*[\w.]*(?:Seconds|sleep\.seconds)\s*=\s*)(\d+(?:\.\d+)?)\s*$")
DEFAULTS = {"backoff.initialSeconds": 10, "backoff.maxSeconds": 300, "backoff.resetSeconds": 600}
PROBE_DEFAULTS = {"periodSeconds": 10, "timeoutSeconds": 1}


def sections(ini):
    """[(header, [line])] of a pod's file."""
    found = []
    for line in ini.splitlines():
        if line.startswith("["):
            found.append((line, []))
        elif found:
            found[-1][1].append(line)
    return found


def defaults_of(header, lines):
    """Times that a section has without saying so."""
    said = {line.split("=")[0].strip() for line in lines if not line[:1].isspace()}
    wanted = {}
    if header.startswith("[pod"):
        wanted["terminationGracePeriodSeconds"] = 30
    elif not header.startswith("[volume"):
        wanted.update(DEFAULTS)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if any(key.startswith(probe + ".") for key in said):
                wanted.update({f"{probe}.{key}": value for key, value in PROBE_DEFAULTS.items()})
    return [f"{key} = {value}" for key, value in wanted.items() if key not in said]


def scaled(ini, factor):
    """The same pod in a world where all times are shorter by one factor."""
    def shorter(line):
        match = SECONDS.match(line)
        return f"{match[1]}{float(match[2]) * factor:.4f}" if match else line
    if factor == 1:
        return ini
    text = []
    found = sections(ini)
    if not any(header.startswith("[pod") for header, _ in found):
        found.insert(0, ("[pod]", []))
    for header, lines in found:
        text.append(header)
        text += map(shorter, lines + defaults_of(header, lines))
    return "\n".join(text) + "\n"


# --- one pod ---

class Watched:
    """One pod of a case, from its start to the end of its observation."""

    def __init__(self, pod, factor, directory, programs):
        self.pod, self.factor = pod, factor
        self.entries, self.last, self.log_read = [], None, {}
        self.late = 0.0
        self.news = False  # an event that the latest status may not know of
        self.orders = list(pod.orders)
        self.directory = directory
        self.files = directory / "files"
        for path in (directory, self.files):
            path.mkdir()
            path.chmod(0o777)
        self.log = directory / "actors"
        self.log.touch()
        self.log.chmod(0o666)
        self.pods = pods.Pods(directory)
        self.environment = {**os.environ, "ACTOR_SCALE": str(factor), "ACTOR_LOG": str(self.log),
                            "ACTOR_DIR": str(self.files), "ACTOR_SERVERS": str(HERE / "servers.py"),
                            "PATH": f"{programs}:{os.environ['PATH']}"}
        self.boot = None
        self.start()

    def start(self):
        """Starts podinit, and waits until it listens. What came before the boot is no time of the case."""
        self.events_read = 0
        with STARTING:
            self.process = self.pods.start(scaled(self.pod.ini, self.factor), control=True, env=self.environment)
            boot = now = self.process.began
            while not self.has_begun():
                boot = now  # the latest moment that is surely before the boot
                time.sleep(0.005)
                now = time.monotonic()
        if self.boot is None:
            self.boot = boot
        names = [header.strip("[]").split() for header, _ in sections(self.pod.ini)]
        self.add(boot, "status", nothing_yet(
            [name[1] for name in names if name[0] in ("init", "sidecar")],
            [name[1] for name in names if name[0] == "main"]))
        return boot

    def has_begun(self):
        """Whether podinit listens; or has said something, as it may be over again; or could not begin."""
        events = self.process.events_file
        return os.path.exists(self.process.socket) or (events.exists() and events.stat().st_size > 0) or \
            self.process.code is not None

    def time_of(self, monotonic):
        return (monotonic - self.boot) / self.factor

    def add(self, monotonic, kind, value):
        self.entries.append(Entry(self.time_of(monotonic), kind, value))

    # --- looking ---

    def ask(self, words):
        """What podinit's control socket answers; None: it does not listen."""
        answer = None
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(self.process.socket)
                connection.sendall(words.encode() + b"\n")
                answer = b""
                while more := connection.recv(65536):
                    answer += more
        except OSError:
            pass
        return answer

    def look_at_status(self):
        before = time.monotonic()
        answer = self.ask("status") or b""
        if not answer.endswith(b"}\n") or (answer == self.last and not self.news):
            return
        self.news = False
        try:
            self.add(before, "status", json.loads(answer))
            self.last = answer
        except ValueError:  # cut off: podinit ended
            pass

    def look_at_lines(self):
        for path in (self.log, self.process.out):
            try:
                with open(path, "rb") as file:
                    file.seek(self.log_read.get(path, 0))
                    whole = file.read().rpartition(b"\n")
            except OSError:
                continue
            whole = whole[0] + whole[1]
            self.log_read[path] = self.log_read.get(path, 0) + len(whole)
            for line in whole.decode(errors="replace").splitlines():
                match = re.fullmatch(r"(\d{9,}) (\S+) (.*)", line)
                if match:
                    self.add(int(match[1]) / 1e9, "log", (match[2], match[3]))

    def look_at_events(self):
        found = self.process.events()
        for event in found[self.events_read:]:
            self.add(event["monotonicNanos"] / 1e9, "event", event)
            self.news = True
        self.events_read = len(found)

    def look(self):
        count = len(self.entries)
        self.look_at_status()
        self.look_at_events()
        self.look_at_lines()
        return len(self.entries) > count

    def record(self):
        tolerance = 1 + (PATIENCE + 2 * self.late) / self.factor
        return Record(self.entries, self.time_of(time.monotonic()), tolerance)

    # --- doing ---

    def due(self, order, record):
        if isinstance(order.moment, float):
            moment = order.moment
        else:
            point, offset = order.moment
            moment = record.point(point)
            if moment is None:
                return False
            moment += offset
        return moment <= self.time_of(time.monotonic())

    def container_pid(self, name):
        """Its number out here."""
        status = json.loads(self.last)
        inside = next(one["containerID"].rpartition("/")[2]
                      for one in status["initContainerStatuses"] + status["containerStatuses"]
                      if one["name"] == name)
        for pid in pods.children(self.process.inner):
            if re.search(rf"^NSpid:.*\s{inside}$", pods.read(f"/proc/{pid}/status"), re.M):
                return pid
        raise Broken(f"{name} does not run")

    def do(self, action):
        """False: podinit does not listen, so it could not be done yet."""
        verb, *words = action.split()
        moment = time.monotonic()
        if verb == "stop":
            grace = [float(word.partition("=")[2]) * self.factor for word in words]
            if self.ask(" ".join(["shutdown", *map(str, grace)])) is None:
                return False
        elif verb == "signal" and len(words) == 1:
            self.process.signal(getattr(signal, "SIG" + words[0]))
        elif verb == "signal":
            os.kill(self.container_pid(words[0]), getattr(signal, "SIG" + words[1]))
        elif verb == "reload":
            path = self.process.directory / "pod.ini"
            path.write_text(scaled(self.pod.files[words[0]], self.factor))
            self.process.signal(signal.SIGHUP)
        elif verb == "reboot":
            self.process.destroy()
            self.look()
            moment = self.start()
        elif verb in ("touch", "remove"):
            path = self.files / words[0] / words[1]
            path.touch() if verb == "touch" else path.unlink()
        else:
            raise Broken(f"what is 'do {action}'?")
        self.add(moment, "did", action)
        return True

    def is_over(self):
        """Whether all of interest has been seen."""
        if self.time_of(time.monotonic()) > self.pod.observe:
            return True
        return bool(self.pod.until) and not self.orders and judge(self.record(), self.pod.until) is None

    def watch(self):
        over, looked = False, time.monotonic()
        while not over:
            over = self.process.code is not None
            new = self.look()
            if self.orders:
                record = self.record()
                for order in [one for one in self.orders if self.due(one, record)]:
                    if self.do(order.action):
                        self.orders.remove(order)
            if not over and (new or self.time_of(time.monotonic()) > self.pod.observe):
                over = self.is_over()
            time.sleep(EVERY)
            before, looked = looked, time.monotonic()
            self.late = max(self.late, looked - before - EVERY)
        if self.process.code is not None:
            self.add(time.monotonic(), "exit", self.process.code)
            if self.process.code == 125:
                self.add(time.monotonic(), "refused", self.process.output()[-2000:])
        return self.record()


def run(pod, factor, directory, programs):
    """The Record of a pod, or Broken."""
    watched = Watched(pod, factor, directory, programs)
    try:
        return watched.watch()
    except Broken as broken:
        return broken
    finally:
        watched.pods.finish()
