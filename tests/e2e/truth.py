"""What the kernel says of a process, which is what a test of identity, limits and namespaces believes."""

import re
import subprocess

from pods import HELPER, never, read, until

# What a container gets where nothing is said.
DEFAULT = {"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP",
           "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"}
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
PASSWD = "root:x:0:0::/:/bin/sh\nweb:x:1234:2345::/:/bin/sh\nother:x:1235:2346::/:/bin/sh\n"
GROUP = "root:x:0:\nwebs:x:2345:\nlogs:x:3001:web,other\ndisk:x:3002:other\nlate:x:3003:web\n"


def names():
    """The capabilities that capsh knows, by number."""
    shown = subprocess.run(["capsh", "--decode=" + "f" * 16], capture_output=True, text=True, check=True)
    return [name.removeprefix("cap_").upper() for name in shown.stdout.strip().partition("=")[2].split(",")]


NAMES = names()


def status(pid):
    """/proc/PID/status as a dictionary."""
    return dict(line.split(":", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":" in line)


def capabilities(pid):
    """The five sets, each as a set of names."""
    shown = status(pid)
    return {one: {NAMES[i] for i in range(len(NAMES)) if int(shown[one], 16) >> i & 1} for one in SETS}


MACHINE = capabilities("self")["CapPrm"]  # what podinit has to give away in these tests


def ids(pid):
    """User and group, which must be the same in all four places, and the further groups."""
    shown = status(pid)
    users, groups = shown["Uid"].split(), shown["Gid"].split()
    assert len(set(users)) == len(set(groups)) == 1, (users, groups)
    return int(users[0]), int(groups[0]), sorted(map(int, shown["Groups"].split()))


def limits(pid):
    """/proc/PID/limits: name to (soft, hard), as text."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in read(f"/proc/{pid}/limits").splitlines()[1:]]
    return {row[0]: (row[1], row[2]) for row in rows}


def ready_pod(pods, more="", pod="", **how):
    """A pod whose main `web` is ready; `more` are its keys, `pod` those of [pod]. The pod, and the outer
    number of the process."""
    ini = never(f"web: {HELPER} polite web 0 0").replace("[main", f"{pod}\n[main") + more
    started = pods.start(ini, **how)
    started.says("web is ready")
    (pid,) = until(lambda: [one for one in started.processes() if "polite" in read(f"/proc/{one}/cmdline")],
                   "it runs")
    return started, pid


def start_error(pods, lines, message, pod="", more="", code=126, **how):
    """The main `web` cannot be started: why, in the log and in the event."""
    ini = never("web: true").replace("[main", f"{pod}\n[main") + lines + more
    started = pods.start(ini, **how)
    event = started.event(reason="StartError")
    assert event["message"] == f"web: {message}"
    assert event["process"] == "web"
    assert started.wait() == code
    assert f"podinit: web: {message}\n" in started.output()
    assert not started.survivors()
