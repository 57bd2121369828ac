"""Daemons that fork away: what their program leaves is the process. Found by its pid file, whatever else is
written there, or by looking."""

import os

import pytest

from pods import NOTIFIER, PLAIN, SANDBOX, UNSHARE, kill, read, until
from test_watch import lookouts

POD = "[pod]\nname = test\nrestartPolicy = {policy}\nterminationGracePeriodSeconds = 5\n"


def daemonizes(*words):
    """A command that forks twice, as a daemon does, and ends with 0."""
    return ["child", "a", "session", 0, "child", "b", *words, "b", "-", "exit", 0, "a", "-",
            "exit", 0]


def start(pods, *words, keys=(), policy="Never", others="", daemon="daemon = true", **how):
    command = " ".join(f"'{word}'" for word in (NOTIFIER, *words))
    return pods.start(POD.format(policy=policy) + others
                      + f"\n[main d]\ncommand = {command}\n{daemon}\n" + "\n".join(keys), **how)


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE, PLAIN])
def test_what_the_program_leaves_is_the_process(pods, how):
    pod = start(pods, *daemonizes("stay", "the daemon is there"), how=how)
    program = pod.running("d")
    daemon = pod.event(reason="Adopted", process="d")["pid"]
    assert daemon != program
    assert not pod.events(reason="Completed")
    assert pod.stop() == 143
    assert pod.event(reason="Error", process="d")["pid"] == daemon
    assert not pod.survivors()


def test_one_that_stays_in_the_session_is_found_too(pods):
    pod = start(pods, "child", "a", "stay", "there", "a", "-", "exit", 0)
    pod.event(reason="Adopted", process="d")


def test_of_several_the_oldest_that_leads_a_session_is_it(pods):
    go = pods.directory / "go"
    leader = ["child", "l", "session", 0, "stay", "the leader is there", "l", "-"]
    other = ["child", "o", "stay", "another", "o", "-"]
    late = ["child", "p", "session", 0, "stay", "another leader", "p", "-"]
    pod = start(pods, *other, *leader, "until", go, *late, "until", pods.directory / "end", "exit", 0)
    until(lambda: "the leader" in read(pod.out) and "another" in read(pod.out), "both are there")
    go.touch()
    until(lambda: "another leader" in read(pod.out), "all are there")
    (pods.directory / "end").touch()
    daemon = pod.event(reason="Adopted", process="d")["pid"]
    program = pod.running("d")
    # Of the program's children the second, which are numbered in their order.
    assert daemon == program + 2


def test_a_daemon_that_ends_is_started_again_by_its_program(pods):
    pod = start(pods, *daemonizes("stay", "there"), policy="Always", how=PLAIN)
    kill(pod.event(reason="Adopted", process="d")["pid"])
    pod.event(count=2, reason="Adopted", process="d")


def test_a_program_that_fails_leaves_no_daemon(pods):
    pod = start(pods, "child", "a", "stay", "there", "a", "-", "exit", 3)
    assert pod.wait() == 3
    assert not pod.events(reason="Adopted")


def test_what_the_daemon_before_left_is_the_message_of_the_last_end(pods):
    """Also once the next program has ended, which is no end of the process."""
    message, go, program = (pods.directory / name for name in ("message", "go", "program"))
    program.write_text(f"#!/bin/sh\nprintf begins > {message}\nsetsid sh -c 'until test -e {go}; do sleep 0.01; done; "
                       f"rm {go}; printf \" and ends\" >> {message}; exit 1' &\n")
    program.chmod(0o755)
    pod = pods.start(POD.format(policy="Always") + f"\n[main d]\ncommand = {program}\ndaemon = true\n"
                     f"terminationMessagePath = {message}\n", control=True)
    pod.event(reason="Adopted")
    go.touch()
    pod.event(reason="Adopted", count=2)
    end = pod.container("d")["lastState"]["terminated"]
    assert (end["exitCode"], end["message"]) == (1, "begins and ends")
    pod.stop()


def test_a_daemon_that_its_program_names_by_MAINPID_is_found_at_once(pods):
    go = pods.directory / "go"
    pod = start(pods, "child", "a", "main-pid", "me", "barrier", "heard", "stay", "there", "a", "-",
                "child", "b", "session", 0, "stay", "another", "b", "-", "until", go, "exit", 0,
                keys=["notify = all"])
    until(lambda: "heard" in read(pod.out) and "another" in read(pod.out), "both are there")
    go.touch()
    daemon = pod.event(reason="Adopted", process="d")["pid"]
    assert pod.stop() == 143
    assert pod.event(reason="Error", process="d")["pid"] == daemon


def test_for_a_program_that_failed_nobody_watches_any_more(pods):
    watched, go = pods.directory / "watched", pods.directory / "go"
    watched.touch()
    pod = start(pods, "until", go, "exit", 3, keys=[f"watch = {watched}"],
                others="[main other]\ncommand = sleep 1000\n")
    until(lambda: lookouts(pod), "somebody watches")
    go.touch()
    pod.event(reason="Error", process="d")
    until(lambda: not lookouts(pod), "nobody watches")
    pod.stop()


VIEWS = {
    "plain": "",
    "volume": "volumeMounts = v:/run/of-mine\n[volume v]\nemptyDir =\n",
    "user": "volumeMounts = v:/run/of-mine\nsecurityContext.runAsUser = 1000\n"
            "[volume v]\nemptyDir =\n"}


@pytest.mark.parametrize("view", VIEWS)
def test_a_pid_file_says_which(pods, view):
    path = "/run/of-mine/pid" if view != "plain" else pods.directory / "pid"
    # Without it, it would be the other one, which leads a session.
    other = ["child", "o", "session", 0, "stay", "another", "o", "-"]
    pod = start(pods, *other, "child", "a", "pid-file", path, "stay", "there", "a", "-", "exit", 0,
                keys=[f"daemonPidFile = {path}", VIEWS[view]])
    daemon = pod.event(reason="Adopted", process="d")["pid"]
    if view == "plain":
        assert int(read(path)) == daemon
    assert pod.stop() == 143


def test_a_pid_file_below_var_run_is_found_behind_its_link(pods):
    """/var/run is an absolute link on every machine."""
    link = pods.directory / "run"
    (pods.directory / "real").mkdir()
    link.symlink_to(pods.directory / "real")
    pod = start(pods, *daemonizes("pid-file", link / "pid", "stay", "there"),
                keys=[f"daemonPidFile = {link}/pid"], daemon="")  # who names the file need not say more
    pod.event(reason="Adopted", process="d")


def test_a_pid_file_that_names_somebody_else_is_refused_until_it_is_right(pods):
    path, right = pods.directory / "pid", pods.directory / "right"
    ini = "\n[main other]\ncommand = sleep 1000\n[main third]\ncommand = sh -c " \
        f"'{NOTIFIER} child t session 0 stay third t - & exec sleep 1000'\n"
    pod = start(pods, "until", pods.directory / "go",
                *daemonizes("pid-file", right, "stay", "the daemon is there"),
                keys=[f"daemonPidFile = {path}"], others=ini)
    other = pod.running("other")
    pod.running("d")
    (pods.directory / "go").touch()
    until(lambda: read(right).strip(), "the daemon is there")

    def says(write, why):
        temporary = pods.directory / "new"
        write(temporary)
        temporary.rename(path)
        pod.says(f"d: daemonPidFile {path} {why}")
        assert not pod.events(reason="Adopted")

    def text(content, mode=0o644):
        def write(file):
            file.write_text(content)
            file.chmod(mode)
        return write

    pod.says(f"d: daemonPidFile {path} cannot be read: No such file or directory")
    says(text("1\n"), "names 1, which is podinit itself")
    says(text(f"{other}\n"), f"names {other}, which is a process of the pod")
    says(text("999999\n"), "names 999999, which does not run")
    says(text("x"), "does not hold one number")
    says(text(read(right), 0o666), "could have been written by others")
    says(lambda file: os.mkfifo(file), "is no regular file")
    # A third of its causes each: those that were told are not told again.
    lines = pod.output().count("daemonPidFile")
    for content in ("", "-5", "12 13", "99999999999999999999", " " * 40 + "5", "7\0", "0"):
        text(content)(pods.directory / "new")
        (pods.directory / "new").rename(path)
    (pods.directory / "new").symlink_to("/proc/self/stat")
    (pods.directory / "new").rename(path)
    assert not pod.events(reason="Adopted")
    assert pod.output().count("daemonPidFile") <= lines + 1
    text(read(right))(pods.directory / "new")
    (pods.directory / "new").rename(path)
    assert pod.event(reason="Adopted", process="d")["pid"] == int(read(right))


def test_another_mains_orphan_is_refused(pods):
    path, orphan = pods.directory / "pid", pods.directory / "orphan"
    # It has left its session's leader, but not its group.
    ini = f"\n[main other]\ncommand = {NOTIFIER} child a child b pid-file {orphan} stay b b - exit 0 a - " \
        "stay other\n"
    pod = start(pods, "until", pods.directory / "go", "exit", 0, keys=[f"daemonPidFile = {path}"],
                others=ini)
    until(lambda: read(orphan).strip(), "there is an orphan")
    path.write_text(read(orphan))
    (pods.directory / "go").touch()
    pod.says("which another process of the pod has left")
    assert not pod.events(reason="Adopted")
    assert pod.stop() in (1, 143)
    assert not pod.survivors()


def test_a_pod_that_ends_looks_no_more(pods):
    pod = start(pods, "exit", 0, keys=["daemonPidFile = /nowhere/pid"])
    pod.says("cannot be read: No such file or directory")
    pod.stop()
    assert not pod.survivors()
