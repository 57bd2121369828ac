"""What processes say of themselves: sd_notify, its descriptor store, s6's descriptor. Who may, and what of
nobody may harm."""

import os
import socket
import time

import pytest

from pods import (NOTIFIER, PLAIN, SANDBOX, UNSHARE, is_running, memory_kib, never, read, until)
from test_reload import reload

POD = "[pod]\nname = test\nrestartPolicy = {policy}\nterminationGracePeriodSeconds = 5\n"


def main(name, *words, keys=()):
    command = " ".join(f"'{word}'" for word in (NOTIFIER, *words))
    return "\n".join([f"\n[main {name}]", f"command = {command}", *keys, ""])


def start(pods, *words, keys=("notify = main",), policy="Never", more="", **how):
    how.setdefault("control", True)
    return pods.start(POD.format(policy=policy) + main("m", *words, keys=keys) + more, **how)


def is_ready(pod, name="m"):
    return pod.container(name)["ready"]


def ready(pod, name="m"):
    until(lambda: is_ready(pod, name), f"{name} is ready", every=0.05)


def send(pod, *messages, fds=()):
    """As a stranger, who has found out the name."""
    pid = pod.running("m")
    variables = dict(item.partition("=")[::2] for item in read(f"/proc/{pid}/environ").split("\0"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + variables["NOTIFY_SOCKET"][1:])
        for message in messages:
            socket.send_fds(sock, [message], fds) if fds else sock.send(message)


@pytest.mark.parametrize("how, keys", [
    (SANDBOX, ()), (UNSHARE, ()), (PLAIN, ()),
    (SANDBOX, ("securityContext.runAsUser = 1000", "securityContext.readOnlyRootFilesystem = true"))])
def test_a_main_process_is_ready_when_it_says_so(open_pods, how, keys):
    go = open_pods.directory / "go"
    pod = start(open_pods, "variable", "WATCHDOG_USEC", "variable", "WATCHDOG_PID", "print", "begins",
                "until", go, "say", "READY=1", "stay", "said",
                keys=("notify = main", "watchdogSeconds = 100", *keys), how=how)
    until(lambda: "begins" in read(pod.out), "it has begun")
    assert not is_ready(pod)
    go.touch()
    ready(pod)
    lines = read(pod.out).splitlines()
    assert lines[:2] == ["WATCHDOG_USEC is 100000000",
                         "WATCHDOG_PID is my number"]
    assert pod.stop() in (0, 143)


def test_with_a_pid_namespace_of_its_own_the_program_is_heard(pods):
    ini = POD.format(policy="Never") + "shareProcessNamespace = false\n" + \
        main("m", "say", "READY=1", "stay", "said", keys=["notify = main"])
    ready(pods.start(ini, control=True))


def test_a_child_is_heard_only_with_all(pods):
    words = ["child", "c", "barrier", "heard", "say", "READY=1", "barrier", "done", "c", "-",
             "stay", "there"]
    pod = start(pods, *words, keys=["notify = main"], more=main("n", *words, keys=["notify = all"]))
    ready(pod, "n")
    pod.says("m: a message of process")
    pod.says("with notify = main only its main process is heard")
    assert not is_ready(pod)
    assert pod.output().count("is dropped") == 1


def test_systemds_own_client_is_heard(pods):
    ini = POD.format(policy="Never") + "\n[main m]\nnotify = all\n" \
        "command = sh -c 'systemd-notify --ready --status=working; sleep 1000'\n"
    pod = pods.start(ini, control=True)
    ready(pod)
    assert pod.container("m")["podinit"] == {"kind": "main", "says": "working"}
    assert pod.podctl("status").stdout.splitlines()[2].endswith(" working")


def test_the_word_of_an_orphan_that_has_ended_counts(pods):
    # Its parent is gone, so it comes to podinit, which hears it before it takes its zombie.
    pod = start(pods, "child", "a", "child", "b", "say", "READY=1", "b", "-", "exit", 0, "a", "-",
                "stay", "there", keys=["notify = all"])
    ready(pod)


def test_what_podinit_was_told_by_others_is_not_for_its_processes(pods):
    pod = pods.start(never("m: env"), env={**os.environ, "NOTIFY_SOCKET": "/x", "LISTEN_FDS": "1",
                                           "LISTEN_PID": "1", "WATCHDOG_USEC": "1"})
    pod.wait()
    for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC"):
        assert name + "=" not in read(pod.out)


def test_a_line_that_is_wrong_costs_only_itself(pods):
    pod = start(pods, "say", "%=%READY%NONSENSE=1%MAINPID=x%WATCHDOG_USEC=-1%FDNAME=a:b%READY=1",
                "stay", "there")
    ready(pod)


def test_a_datagram_that_is_too_long_is_none(pods):
    pod = start(pods, "say", "READY=1%" + "x" * 4090, "barrier", "answered", "stay", "there")
    until(lambda: "answered" in read(pod.out), "the barrier is answered")
    assert not is_ready(pod)


def test_strangers_are_not_heard_however_many(pods):
    # In podinit's own network namespace they can send, if they find out the name.
    pod = start(pods, "stay", "there", keys=["notify = all"], how=PLAIN)
    before = len(os.listdir(f"/proc/{pod.running('m') and pod.inner}/fd"))
    send(pod, b"READY=1")
    pod.says("it belongs to nobody who notifies")
    memory = memory_kib(pod.inner)
    send(pod, *[b"READY=1\nFDSTORE=1\nFDNAME=mine"] * 10_000, fds=[0])
    assert not is_ready(pod)
    assert memory_kib(pod.inner) < memory + 512
    until(lambda: len(os.listdir(f"/proc/{pod.inner}/fd")) <= before, "nothing of theirs is open")
    assert pod.output().count("is dropped") == 1
    assert pod.stop() == 143


def test_10_000_messages_at_once_hold_nobody_up(pods):
    pod = start(pods, "print", "begins", "many", 10_000, "barrier", "all were heard", "say",
                "READY=1", "stay", "there", more=main("n", "stay", "n is there"))
    pod.running("m", "n")
    memory = memory_kib(pod.inner)
    began = time.monotonic()
    assert pod.container("n")["state"]
    assert time.monotonic() - began < 5
    until(lambda: "all were heard" in read(pod.out), "all were heard")
    ready(pod)
    assert memory_kib(pod.inner) < memory + 512


def test_descriptors_that_nobody_asked_for_are_closed(pods):
    pod = start(pods, "until", pods.directory / "go", "litter", 100, "barrier", "heard", "stay",
                "there")
    pod.running("m")
    before = len(os.listdir(f"/proc/{pod.inner}/fd"))
    (pods.directory / "go").touch()
    until(lambda: "heard" in read(pod.out), "all was heard")
    until(lambda: len(os.listdir(f"/proc/{pod.inner}/fd")) <= before, "all is closed")


@pytest.mark.parametrize("how", ["linger", "linger-many", "linger-within"])
def test_a_socket_that_lingers_holds_podinit_not_up(pods, how):
    pod = start(pods, *[how, 60] * 3, "barrier", "heard", "say", "READY=1", "stay", "there")
    began = time.monotonic()
    ready(pod)
    assert time.monotonic() - began < 10


# --- MAINPID ---


def test_the_heir_of_a_main_process_is_the_main_process_when_that_ends(pods):
    pod = start(pods, "child", "c", "session", 0, "main-pid", "me", "barrier", "heard",
                "stay", "the heir is there", "c", "-", "until", pods.directory / "go", "exit", 3, keys=["notify = all"])
    until(lambda: "the heir is there" in read(pod.out), "there is an heir")
    old = pod.running("m")
    (pods.directory / "go").touch()
    heir = pod.event(reason="Adopted")["pid"]
    assert heir != old
    assert not pod.events(reason="Error")
    assert pod.container("m")["restartCount"] == 0
    # It is the one that is told to end, and whose end is the process's.
    assert pod.stop() == 143
    assert pod.event(reason="Error")["pid"] == heir


def test_a_stranger_is_no_heir(pods):
    pod = start(pods, "main-pid", 1, "main-pid", 999999, "barrier", "heard", "exit", 0)
    assert pod.wait() == 0
    assert not pod.events(reason="Adopted")
    assert "m: MAINPID=1 does not descend from it" in pod.output()
    assert "m: MAINPID=999999 does not descend from it" in pod.output()


def test_who_names_strangers_again_and_again_is_told_of_a_few_times(pods):
    pod = start(pods, *["main-pid", 999999, "main-pid", 999998] * 50, "barrier", "heard", "exit", 0)
    assert pod.wait() == 0
    assert 2 <= pod.output().count("does not descend from it") < 10


def test_a_command_of_podinits_is_no_heir_though_it_looks_like_one(pods):
    """The probe of a process is in its mount namespace, and podinit's child: as an orphan that it left."""
    number, script = pods.directory / "number", pods.directory / "script"
    script.write_text(f"#!/bin/sh\nuntil test -s {number}; do sleep 0.01; done\n"
                      f"exec {NOTIFIER} main-pid $(cat {number}) barrier heard exit 0\n")
    script.chmod(0o755)
    probe = f"sh -c 'echo $$$$ > {number}.new; mv {number}.new {number}; exec sleep 1000'"
    pod = pods.start(POD.format(policy="Never") + f"\n[main m]\ncommand = {script}\nnotify = main\n"
                     f"volumeMounts = v:/run/of-mine\nstartupProbe.exec.command = {probe}\n"
                     "startupProbe.timeoutSeconds = 100\n[volume v]\nemptyDir =\n")
    assert pod.wait() == 0
    assert "heard" in read(pod.out)
    assert not pod.events(reason="Adopted")


# --- the descriptor store ---


def restarted(pods, *words, keys=("notify = main",)):
    """The first instance does these, and ends; what the second one reports."""
    mark = pods.directory / "second"
    script = pods.directory / "script"
    first = " ".join(f"'{word}'" for word in words)
    script.write_text(f"#!/bin/sh\nif test -e {mark}; then exec {NOTIFIER} report second stay done; "
                      f"fi\ntouch {mark}\nexec {NOTIFIER} report first {first} exit 1\n")
    script.chmod(0o755)
    ini = POD.format(policy="Always") + f"\n[main m]\ncommand = {script}\n" + "\n".join(keys)
    pod = pods.start(ini)
    until(lambda: "done" in read(pod.out), "the second one is there")
    return pod, read(pod.out).partition("second: ")[2].splitlines()[:-1]


def test_what_is_stored_comes_back_to_the_next_instance(pods):
    _, lines = restarted(pods, "store", "one", "store", "two", "store", "one", "store", "three",
                         "say", "FDSTOREREMOVE=1%FDNAME=three", "barrier", "stored")
    assert lines == ["LISTEN_FDS=3 for me one:two:one", "3: one", "4: two", "5: one"]


def test_stored_ones_come_behind_sockets(pods):
    _, lines = restarted(pods, "store", "mine", "barrier", "stored",
                         keys=["notify = main", "listen = @a", "listen = b=@b seqpacket"])
    assert lines == ["LISTEN_FDS=3 for me m:b:mine", "3: socket of type 1", "4: socket of type 5",
                     "5: mine"]


def test_what_has_no_other_end_any_more_is_not_kept(pods):
    _, lines = restarted(pods, "store-hung-up", "dead", "store", "alive", "barrier", "stored")
    assert lines == ["LISTEN_FDS=1 for me alive", "3: alive"]


def test_a_file_is_not_stored_for_each_new_process_closes_it(pods):
    """And its server may not answer."""
    pod, lines = restarted(pods, "store-file", "/etc/passwd", "store", "mine", "barrier", "stored")
    assert lines == ["LISTEN_FDS=1 for me mine", "3: mine"]
    assert "m: 'file' is not stored: it is a file" in pod.output()


def test_the_store_of_a_process_is_bounded(pods):
    pod, lines = restarted(pods, "store-many", 10, "store-many", 10, "barrier", "stored")
    assert lines[0].startswith("LISTEN_FDS=16 for me stored:stored:")
    assert "m: its descriptor store is full: it has 16" in pod.output()


def test_notifyFd_keeps_its_number_whatever_is_stored(pods):
    _, lines = restarted(pods, "store", "a", "store", "b", "store", "c", "line", 5, "barrier", "said",
                         keys=["notify = main", "notifyFd = 5"])
    assert lines == ["LISTEN_FDS=2 for me a:b", "3: a", "4: b"]


def test_so_it_does_if_it_has_one_only_since_a_reload(pods):
    mark, script = pods.directory / "second", pods.directory / "script"
    stores = " ".join(f"store {name}" for name in "abc")
    script.write_text(f"#!/bin/sh\nif test -e {mark}; then exec {NOTIFIER} report second stay done; fi\n"
                      f"touch {mark}\nexec {NOTIFIER} {stores} barrier stored stay there\n")
    script.chmod(0o755)
    ini = POD.format(policy="Always") + f"\n[main m]\ncommand = {script}\nnotify = main\n"
    pod = pods.start(ini)
    until(lambda: "stored" in read(pod.out), "all is stored")
    reload(pod, ini + "notifyFd = 5\n")
    until(lambda: "done" in read(pod.out), "the second one is there")
    assert read(pod.out).partition("second: ")[2].splitlines()[:-1] == ["LISTEN_FDS=2 for me a:b", "3: a", "4: b"]


# --- s6 ---


def test_a_line_on_notifyFd_says_ready(pods):
    go = pods.directory / "go"
    pod = start(pods, "write", 7, "print", "begins", "until", go, "line", 7, "stay", "said",
                keys=["notifyFd = 7"])
    until(lambda: "begins" in read(pod.out), "it has begun")
    assert not is_ready(pod)
    go.touch()
    ready(pod)


def test_the_end_of_notifyFd_says_nothing(pods):
    pod = start(pods, "write", 3, "close", 3, "stay", "closed", keys=["notifyFd = 3"])
    until(lambda: "closed" in read(pod.out), "it is closed")
    assert not is_ready(pod)
    assert is_running(pod.inner)


# --- the watchdog ---


def test_who_says_nothing_any_more_is_restarted(pods):
    pod = start(pods, "say", "READY=1", "stay", "silent", policy="Always",
                keys=["notify = main", "watchdogSeconds = 1"])
    assert pod.event(reason="Unhealthy")["process"] == "m"
    pod.event(count=2, reason="Started", process="m")


def test_a_process_may_say_itself_that_it_hangs(pods):
    pod = start(pods, "say", "READY=1%WATCHDOG=trigger", "stay", "hangs", policy="Always",
                keys=["notify = main", "watchdogSeconds = 100"])
    pod.event(count=2, reason="Started", process="m")
