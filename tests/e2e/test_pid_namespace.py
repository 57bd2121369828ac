"""shareProcessNamespace = false: each process alone with a process 1 of podinit's own."""

import os
import re
import shutil
import signal

import pytest

from pods import HELPER, PLAIN, SANDBOX, UNSHARE, children, descendants, kill, never, polite, read, state_of, until
from test_rootfs import make_root
from truth import capabilities, start_error, status

WAYS = [SANDBOX, UNSHARE, PLAIN]
ALONE = "shareProcessNamespace = false\n"


def alone(*mains, policy="Never"):
    return never(*mains).replace("restartPolicy = Never\n", f"restartPolicy = {policy}\n{ALONE}")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = make_root(tmp_path_factory.mktemp("template") / "root")
    shutil.copy(HELPER, root / "bin/helper")
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("web:x:1234:1234::/:\n")
    return root


def reapers(pod):
    return [pid for pid in children(pod.inner) if read(f"/proc/{pid}/comm") == "podinit-reaper\n"]


def alone_with(pod, count=1):
    """The reapers, and below each the program, when each is what it is to be."""
    def ready():
        found = reapers(pod)
        programs = [(children(one) or [0])[0] for one in found]
        good = len(found) == count and all(
            programs) and all(read(f"/proc/{one}/comm") != "podinit\n" for one in programs)
        return (found, programs) if good else None
    return until(ready, "reapers and programs")


def namespace(pid):
    return os.readlink(f"/proc/{pid}/ns/pid")


@pytest.mark.parametrize("how", WAYS)
def test_each_sees_only_itself_below_a_reaper(pods, how):
    script = "echo {0}: $$$$, $$(echo /proc/[0-9]*), $$(cat /proc/1/comm); exec sleep 100{0}"
    pod = pods.start(alone(f"one: sh -c '{script.format(1)}'", f"two: sh -c '{script.format(2)}'"), how=how)
    pod.says("1: ")
    pod.says("2: ")
    found, programs = alone_with(pod, 2)
    for name in "12":
        (line,) = [line for line in pod.output().splitlines() if line.startswith(f"{name}: ")]
        numbers = re.findall(r"/proc/(\d+)", line)
        assert line.startswith(f"{name}: 2, ") and {"1", "2"} <= set(numbers) <= {"1", "2", "3", "4"}
        assert line.endswith("podinit-reaper")
    assert len({namespace(pid) for pid in (pod.inner, *found)}) == 3
    for reaper, program in zip(found, programs):
        assert namespace(reaper) == namespace(program)
        assert status(reaper)["NSpid"].split()[-1] == "1"
    code = pod.stop()
    assert code == 143
    assert not pod.survivors()


@pytest.mark.parametrize("with_root", [False, True], ids=["own-root", "rootfs"])
def test_what_the_reaper_has(pods, template, with_root):
    rootfs = f"rootfs = {template}\n" if with_root else ""
    pod = pods.start(alone("one: sleep 1000") + rootfs)
    (reaper,), (program,) = alone_with(pod)
    assert not os.listdir(f"/proc/{reaper}/fd")
    shown = capabilities(reaper)
    assert shown["CapPrm"] == shown["CapEff"] == {"KILL"}
    assert not shown["CapInh"] and not shown["CapAmb"]
    assert set(os.listdir(f"/proc/{program}/fd")) == {"0", "1", "2"}
    assert os.readlink(f"/proc/{reaper}/root") == os.readlink(f"/proc/{program}/root")


@pytest.mark.parametrize("code", [0, 1, 7, 255])
@pytest.mark.parametrize("how", WAYS)
def test_exit_codes_arrive(pods, how, code):
    result = pods.run(alone(f"one: sh -c 'exit {code}'"), how=how)
    assert result.code == code
    (event,) = [event for event in result.events if event["reason"] in ("Completed", "Error")]
    assert event["exitCode"] == code


@pytest.mark.parametrize("signo", [9, 11, 15, 6])
def test_death_by_signal_arrives_as_its_code(pods, signo):
    assert pods.run(alone(f"one: {HELPER} die {signo}")).code == 128 + signo


@pytest.mark.parametrize("how", WAYS)
def test_the_stop_signal_reaches_the_program(pods, how):
    pod = pods.start(alone(f"one: {HELPER} listen one") + "lifecycle.stopSignal = SIGUSR2\n", how=how)
    pod.says("one listens")
    pod.stop()
    assert "one got 12" in pod.output()
    pod = pods.start(alone(f"one: {polite('one', 3)}"), how=how)
    pod.says("one is ready")
    assert pod.stop() == 3


def test_real_time_signals_reach_it_too(pods):
    pod = pods.start(alone(f"one: {HELPER} listen one") + "lifecycle.stopSignal = 64\n")
    pod.says("one listens")
    pod.signal(signal.SIGTERM)
    pod.says("one got 64")


def test_who_does_not_stop_is_killed_after_the_grace(pods):
    ini = alone(f"one: {HELPER} stubborn one").replace("Seconds = 5", "Seconds = 1")
    pod = pods.start(ini)
    pod.says("one is ready")
    assert pod.stop() == 137
    assert not pod.survivors()


@pytest.mark.parametrize("how", WAYS)
def test_orphans_are_reaped_and_everything_ends_with_the_program(pods, how):
    """Those that left its session and its parents, too."""
    script = (f"(setsid sleep 1000 &); (setsid sh -c \"sleep 2000 & exec sleep 3000\" &); {HELPER} orphans 50; "
              "echo left; exec sleep 5000")
    pod = pods.start(alone(f"one: sh -c '{script}'", "stay: sleep 4000"), how=how)
    pod.says("left")
    until(lambda: len(pod.survivors()) >= 7, "all are there")
    found, programs = alone_with(pod, 2)
    until(lambda: not any(state_of(pid) == "Z" for pid in descendants(pod.inner)), "no zombie is left")
    kill(until(lambda: next((pid for pid in programs if "5000" in read(f"/proc/{pid}/cmdline")), None),
               "the shell is its sleep"))
    pod.event(reason="Error", process="one")
    until(lambda: sum("sleep" in read(f"/proc/{pid}/comm") for pid in pod.survivors()) == 1, "they are gone")
    assert pod.stop() == 137


def test_killing_the_reaper_kills_all_of_it(pods):
    pod = pods.start(alone("one: sh -c 'setsid sleep 1000 & exec sleep 2000'", "two: sleep 3000"))
    found, programs = alone_with(pod, 2)
    victim = next(one for one, program in zip(found, programs) if "3000" not in read(f"/proc/{program}/cmdline"))
    kill(victim)
    event = pod.event(reason="Error", process="one")
    assert event["exitCode"] == 137
    until(lambda: sum("sleep" in read(f"/proc/{pid}/comm") for pid in pod.survivors()) == 1, "they are gone")


@pytest.mark.parametrize("with_root", [False, True], ids=["own-root", "rootfs"])
def test_restarts(pods, template, with_root):
    rootfs = f"rootfs = {template}\n" if with_root else ""
    pod = pods.start(alone("one: sh -c 'exit 3'", policy="Always") + "backoff.initialSeconds = 0\n" + rootfs)
    pod.event(reason="Error", count=5)
    before = len(os.listdir(f"/proc/{pod.inner}/fd"))
    pod.event(reason="Error", count=25)
    assert abs(len(os.listdir(f"/proc/{pod.inner}/fd")) - before) <= 3
    assert all(event["exitCode"] == 3 for event in pod.events(reason="Error"))
    pod.stop()
    assert not pod.survivors()


def test_user_and_capabilities_are_the_programs_alone(pods, template):
    pod = pods.start(alone("one: /bin/helper polite one 0 0") + f"rootfs = {template}\n"
                     "securityContext.runAsUser = web\nsecurityContext.capabilities.drop = ALL\n")
    pod.says("one is ready")
    (reaper,), (program,) = alone_with(pod)
    assert status(program)["Uid"].split() == ["1234"] * 4
    assert status(reaper)["Uid"].split() == ["0"] * 4
    assert not capabilities(program)["CapBnd"]
    assert pod.stop() == 0  # it is signalled by the reaper, across users


@pytest.mark.parametrize("lines, message, code", [
    ("command = /nope\n", "cannot execute /nope: No such file or directory", 127),
    ("command = true\nsecurityContext.runAsUser = nonesuch\n", "its /etc/passwd has no user nonesuch", 126),
    ("command = true\nworkingDir = /nope\n", "cannot change to directory /nope: No such file or directory", 126),
    ("command = true\nnice = -20\ncpuAffinity = 999\n", "cannot set cpuAffinity: Invalid argument", 126)])
@pytest.mark.parametrize("how", WAYS)
def test_what_fails_inside_is_said(pods, how, lines, message, code):
    pod = pods.start(alone("web: true").replace("command = true\n", lines), how=how)
    event = pod.event(reason="StartError")
    assert event["message"] == f"web: {message}"
    assert pod.wait() == code
    assert not pod.survivors()


def test_inits_and_sidecars_have_one_each(pods):
    pod = pods.start(alone("one: sh -c 'readlink /proc/self/ns/pid; exec sleep 1000'") +
                     "[init i]\ncommand = readlink /proc/self/ns/pid\n"
                     "[sidecar s]\ncommand = sh -c 'readlink /proc/self/ns/pid; exec sleep 1000'\n")
    pod.running("i", "s", "one")
    until(lambda: pod.output().count("pid:[") == 3, "all have spoken")
    assert len(set(re.findall(r"pid:\[\d+\]", pod.output()))) == 3


def test_a_rootless_sandbox_has_them_too(open_pods):
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    pod = open_pods.start(alone("one: sh -c 'echo I am $$$$; exec sleep 1000'"), prefix=prefix)
    pod.says("I am 2")
    assert len(reapers(pod)) == 1
    assert pod.stop() == 143


def test_an_ordinary_user_cannot_have_one(open_pods):
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    start_error(open_pods, "", "cannot make a PID namespace: Operation not permitted", pod=ALONE, how=PLAIN,
                prefix=prefix)


def test_a_terminal_is_the_programs(pods):
    pod = pods.start(alone(f"one: sh -c '{HELPER} place; exec sleep 1000'") + "tty = true\n")
    pod.says("end of place")
    assert "terminal: has one" in pod.output()
    assert "foreground: yes" in pod.output()


def test_the_pod_is_not_slower_to_end_for_it(pods):
    pod = pods.start(alone(*(f"n{i}: {polite(f'n{i}')}" for i in range(10))))
    for i in range(10):
        pod.says(f"n{i} is ready")
    assert pod.stop() == 0
    assert not pod.survivors()


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1])
def test_a_neighbours_signal_to_process_1_harms_nobody(pods, signo):
    """In its namespace a program may signal process 1: that hands it back, or ignores it."""
    pod = pods.start(alone(f"one: sh -c 'trap : HUP TERM USR1; kill -{int(signo)} 1; "
                           "kill -9 1; kill -STOP 1; echo alive; while :; do sleep 1; done'"))
    pod.says("alive")
    (reaper,), _ = alone_with(pod)
    until(lambda: state_of(reaper) == "S", "it sleeps")
