"""Signals that do not end the pod: to the mains' process groups, and told with their sender."""

import os
import signal
import subprocess

import pytest

from pods import HELPER, PLAIN, SANDBOX, UNSHARE, never, state_of, until

WAYS = [SANDBOX, UNSHARE, PLAIN]
FORWARDED = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGQUIT,
             signal.SIGCONT, signal.SIGTSTP, signal.SIGALRM, signal.SIGPIPE, signal.SIGIO, 34, 40, 64]


def send_each(pod):
    """One after the other: of SIGCONT and SIGTSTP pending at once the kernel drops the first."""
    for signo in FORWARDED:
        pod.signal(signo)
        pod.event(reason="Signal", signal=int(signo))


def listeners(pods, how, **more):
    """Two mains, one with a child in its group; a sidecar and none that should hear."""
    listen = f"{HELPER} listen"
    ini = never(f"one: {listen} one", f"two: sh -c '{listen} child & exec {listen} two'") \
        + f"[sidecar side]\ncommand = {listen} side\n"
    pod = pods.start(ini, how=how, **more)
    for name in ("one", "two", "child", "side"):
        pod.says(f"{name} listens")
    return pod


@pytest.mark.parametrize("how", WAYS)
def test_other_signals_go_to_the_groups_of_the_mains_and_not_to_sidecars(pods, how):
    pod = listeners(pods, how)
    for signo in FORWARDED:
        pod.signal(signo)
        for name in ("one", "two", "child"):
            pod.says(f"{name} got {int(signo)}\n")
    assert "side got" not in pod.output()
    told = [event["signal"] for event in pod.events(reason="Signal")]
    assert told == [int(signo) for signo in FORWARDED]


@pytest.mark.parametrize("how", WAYS)
def test_the_event_names_the_sender(pods, how):
    pod = listeners(pods, how)
    sender = subprocess.Popen(["sh", "-c", 'kill -USR1 "$0"; exit 0', str(
        pod.inner if how == UNSHARE else pod.pid)])
    event = pod.event(reason="Signal")
    sender.wait()
    assert (event["signal"], event["uid"], event["type"]) == (10, 0, "Normal")
    if how == UNSHARE:
        # A process of another PID namespace has no number here.
        assert "pid" not in event
        assert event["message"].startswith("pod: got SIGUSR1 from outside the pod")
    else:
        assert (event["pid"], event["program"]) == (sender.pid, "sh")
        assert event["message"] == f"pod: got SIGUSR1 from process {sender.pid} (sh), uid 0"


@pytest.mark.parametrize("how", WAYS)
def test_the_event_names_a_sender_of_the_pod(pods, how):
    pod = pods.start(never("one: sh -c 'kill -USR2 $PPID; read line'", "two: sleep 1000"), how=how)
    event = pod.event(reason="Signal")
    assert event["signal"] == 12
    assert event["pid"] == pod.events(reason="Started", process="one")[0]["pid"]
    assert event["program"] in ("sh", "?")


def test_the_event_names_another_user(open_pods):
    pod = open_pods.start(never("one: sleep 1000"), how=PLAIN,
                          prefix=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    pod.event(reason="Started")
    subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "kill", "-WINCH", str(pod.pid)],
                   check=True)
    assert pod.event(reason="Signal")["uid"] == 65534


@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
def test_signals_before_there_is_a_main_are_harmless(pods, how):
    ini = never("one: sh -c 'exit 5'") + "[init i]\ncommand = sleep 1\n"
    pod = pods.start(ini, how=how)
    pod.running("i")
    send_each(pod)
    assert not pod.events(reason="Started", process="one")
    assert pod.wait() == 5


def test_signals_while_a_main_waits_for_its_restart_are_harmless(pods):
    pod = pods.start("[pod]\nrestartPolicy = Always\n[main one]\ncommand = sh -c 'exit 4'\n")
    pod.event(reason="BackOff")
    send_each(pod)
    assert pod.stop() == 4


@pytest.mark.parametrize("how", WAYS)
def test_an_entrypoint_gets_every_signal_in_its_group(pods, how):
    listen = f"{HELPER} listen"
    pod = pods.program("sh", "-c", f"{listen} child & exec {listen} one", how=how)
    pod.says("one listens")
    pod.says("child listens")
    for signo in [signal.SIGHUP, *FORWARDED]:  # a pod would read its file again
        pod.signal(signo)
        pod.says(f"one got {int(signo)}\n")
        pod.says(f"child got {int(signo)}\n")
    pod.signal(signal.SIGINT)
    pod.says("one got 2\n")
    pod.says("child got 2\n")
    pod.signal(signal.SIGINT)  # its user may mean by a second one what the program means by it
    pod.signal(signal.SIGTERM)
    assert pod.wait() == 0


def test_a_thousand_signals_are_no_trouble(pods):
    pod = listeners(pods, SANDBOX)
    for number in range(1000):
        pod.signal(34 + number % 30)
    pod.signal(signal.SIGUSR1)
    pod.says("one got 10\n")
    until(lambda: os.path.exists(f"/proc/{pod.inner}"), "podinit is there")
    assert pod.stop() == 0


def test_a_stopped_main_ends_with_the_pod(pods):
    pod = pods.start(never("one: sleep 1000").replace("PeriodSeconds = 5", "PeriodSeconds = 2"))
    pod.running("one")
    main = until(lambda: pod.processes(), "there is a main")[0]
    os.kill(main, signal.SIGSTOP)
    until(lambda: state_of(main) == "T", "the main has stopped")
    # SIGTERM stays pending in what is stopped: SIGKILL ends it.
    assert pod.stop() == 137
    assert not pod.survivors()
