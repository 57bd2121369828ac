"""Nobody wakes up while nothing happens. The one place where the time itself is what is tested: a
minute, which all of them spend side by side."""

import pathlib
import re
import signal
import subprocess
import time

from pods import (HELPER, NAMESPACES, PLAIN, PODINIT, RESTRICT, SANDBOX, UNSHARE, children, kill,
                  polite, read, state_of, until)

MINUTE = 60
PAUSE = pathlib.Path(PODINIT).with_name("pause")

POD = f"""[pod]
restartPolicy = Always
activeDeadlineSeconds = 3600
[sidecar s]
command = {polite('s')}
[main one]
command = {polite('one')}
[main two]
command = {polite('two')}
[main done]
restartPolicy = Never
command = true
[main later]
command = sh -c 'exit 1'
backoff.initialSeconds = 300s
"""


def switches(pid):
    """How often a process was given to the processor, and taken from it."""
    found = re.findall(r"^(?:non)?voluntary_ctxt_switches:\t(\d+)$", read(f"/proc/{pid}/status"), re.M)
    assert len(found) == 2, f"no process {pid}"
    return sum(map(int, found))


def processor_time(pid):
    return read(f"/proc/{pid}/schedstat").split()[0]


def is_settled(pid):
    """It sleeps, and has done so for a while."""
    before = switches(pid)
    time.sleep(0.5)
    return state_of(pid) == "S" and switches(pid) == before


def entrypoint(pods, how, **more):
    pod = pods.program(HELPER, "polite", "m", "0", "0", how=how, **more)
    pod.says("m is ready")
    return pod


def a_pod(pods, how):
    pod = pods.start(POD, how=how, control=True)
    for name in ("s", "one", "two"):
        pod.says(f"{name} is ready")
    pod.event(reason="Completed", process="done")
    pod.event(reason="BackOff", process="later")
    assert pod.podctl("status").returncode == 0
    return pod


def pause(pods, how):
    pod = pods.with_arguments("--no-control", how=how)
    pod.event(reason="Phase", phase="Running")
    return pod


def another_init(pods, name):
    pod = pods.with_arguments(f"--compat={name}", *([] if name == "catatonit" else ["--"]), HELPER,
                              "polite", "m", "0", "0", how=UNSHARE, events=False)
    pod.says("m is ready")
    return pod


def test_a_minute_of_nothing_wakes_nobody(pods):
    freestanding = subprocess.Popen([*NAMESPACES, PAUSE], stderr=subprocess.DEVNULL)
    # Wakes up every second, by its own design: so much does this test see.
    tini = subprocess.Popen(["tini-static", "-s", "--", HELPER, "stubborn", "m"],
                            stdout=subprocess.DEVNULL)
    try:
        started = {
            "entrypoint": entrypoint(pods, UNSHARE, control=True),
            "entrypoint, not process 1": entrypoint(pods, PLAIN),
            "entrypoint that may not be a subreaper": entrypoint(
                pods, PLAIN, prefix=[RESTRICT, "no-subreaper=EPERM", "no-clone3=EPERM", "--"]),
            "pod": a_pod(pods, UNSHARE),
            "pod in a sandbox": a_pod(pods, SANDBOX),
            "pod, not process 1": a_pod(pods, PLAIN),
            "pause": pause(pods, UNSHARE),
            "pause, not process 1": pause(pods, PLAIN),
            "pause of a namespace that others share": pause(pods, UNSHARE),
        }
        shared = started["pause of a namespace that others share"]
        # It ends with that podinit.
        joined = subprocess.Popen(["nsenter", "-t", str(shared.inner), "-p", HELPER, "polite",
                                   "joined", "0", "0"], stdout=subprocess.PIPE, text=True)
        assert joined.stdout.readline() == "joined is ready\n"
        for name in ("tini", "dumb-init", "catatonit"):
            started[f"podinit as {name}"] = another_init(pods, name)
        watched = {name: pod.inner for name, pod in started.items()}
        watched["outer process of the sandbox"] = started["pod in a sandbox"].pid
        watched["freestanding pause"] = until(lambda: children(freestanding.pid), "it runs")[0]
        for name, pid in watched.items():
            until(lambda one=pid: is_settled(one), f"{name} sleeps")

        before = {name: (switches(pid), processor_time(pid)) for name, pid in watched.items()}
        of_tini = switches(tini.pid)
        time.sleep(MINUTE)
        after = {name: (switches(pid), processor_time(pid)) for name, pid in watched.items()}
        assert after == before
        assert switches(tini.pid) - of_tini > MINUTE / 2

        # They only slept.
        for name in ("entrypoint", "pod", "pause", "pause of a namespace that others share"):
            started[name].signal(signal.SIGTERM)
            started[name].wait()
        assert joined.wait(20) == 0
    finally:
        for outer in (freestanding, tini):
            for child in children(outer.pid):
                kill(child)
            kill(outer.pid)
            outer.wait()
