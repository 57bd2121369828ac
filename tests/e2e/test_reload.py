"""SIGHUP: the pod's file is read again; only what has changed ends and starts."""

import os
import signal

import pytest

from pods import PLAIN, UNSHARE, is_running, polite, stubborn, until

HEAD = "[pod]\nname = test\nterminationGracePeriodSeconds = 5\n"


def main(name, command="sleep 1000", *keys, kind="main"):
    return f"\n[{kind} {name}]\ncommand = {command}\n" + "".join(f"{key}\n" for key in keys)


def write(pod, ini, name="pod.ini"):
    """As an editor does: whole, or not at all."""
    new = pod.directory / (name + ".new")
    new.write_text(ini)
    new.rename(pod.directory / name)


def lines(pod):
    return [line.partition("reload: ")[2] for line in pod.output().splitlines() if "reload: " in line]


def reload(pod, ini=None, end="done: "):
    """Writes the file, sends SIGHUP and waits until podinit says how it ended; all that it says of it."""
    if ini is not None:
        write(pod, ini)
    before = len(lines(pod))
    pod.signal(signal.SIGHUP)
    until(lambda: any(line.startswith(end) for line in lines(pod)[before:]) or pod.code is not None,
          f"reload: {end}")
    found = lines(pod)[before:]
    assert any(line.startswith(end) for line in found), pod.output()
    return found


def pids(pod, *names):
    """Of those that run, by podinit's own numbers."""
    return [pod.container(name)["state"]["running"]["pid"] if "pid" in pod.container(name)["state"].get("running", {})
            else pod.events(reason="Started", process=name)[-1]["pid"] for name in names]


def starts(pod, name):
    return len(pod.events(reason="Started", process=name))


def test_a_secret_is_not_told(pods):
    def ini(word):
        return HEAD + main("a", "sleep 1000", f"""env = "TOKEN={word}\\n{word}"
readinessProbe.httpGet.port = 1
readinessProbe.httpGet.httpHeaders = Authorization: {word}""")
    pod = pods.start(ini("hush"), control=True)
    pod.running("a")
    said = reload(pod, ini("hush-hush"))
    assert "main a: env: TOKEN=... -> TOKEN=... (restart)" in said
    assert "main a: readinessProbe.httpGet.httpHeaders: Authorization:... -> Authorization:..." in said
    assert "hush" not in pod.output()


@pytest.mark.parametrize("how", [UNSHARE, PLAIN])
def test_only_what_changed_is_restarted(pods, how):
    ini = HEAD + main("a", "sleep 1000", "env = A=1") + main("b") + main("c")
    pod = pods.start(ini, how=how, control=True)
    pod.running("a", "b", "c")
    before = pids(pod, "b", "c")
    said = reload(pod, ini.replace("A=1", "A=2"))
    assert said == ["main a: env: A=... -> A=... (restart)", "done: 1 restarted, 0 new, 0 removed, 0 changed in place"]
    pod.event(reason="Started", process="a", count=2)
    assert pids(pod, "b", "c") == before
    assert starts(pod, "b") == starts(pod, "c") == 1
    assert pod.container("a")["restartCount"] == 1
    assert pod.container("b")["restartCount"] == 0
    pod.stop()


def test_what_is_restarted_is_another_one(pods):
    ini = HEAD + main("a", "sh -c 'echo A is $A; exec sleep 1000'", "env = A=1")
    pod = pods.start(ini)
    pod.says("A is 1")
    reload(pod, ini.replace("A=1", "A=2"))
    pod.says("A is 2")
    pod.stop()


def test_policies_change_without_a_restart(pods):
    ini = HEAD + main("a", polite("a")) + main("b", stubborn("b"))
    pod = pods.start(ini, control=True)
    pod.says("b is ready")
    pod.says("a is ready")
    said = reload(pod, ini.replace("Seconds = 5", "Seconds = 2\nrestartPolicy = Never")
                  .replace("[main b]", "[main b]\nlifecycle.stopSignal = USR1\nbackoff.maxSeconds = 60\n"
                           "successExitCodes = 3\nonExit = stop\nresources.limits.pids = 100"))
    assert said[-1] == "done: 0 restarted, 0 new, 0 removed, 1 changed in place"
    assert "pod: terminationGracePeriodSeconds: 5 -> 2" in said
    assert "pod: restartPolicy: Always -> Never" in said
    assert "main b: lifecycle.stopSignal: SIGTERM -> SIGUSR1" in said
    assert "main b: onExit: continue -> stop" in said
    assert starts(pod, "a") == starts(pod, "b") == 1
    pod.signal(signal.SIGTERM)
    pod.says("b: stopping with SIGUSR1, because podinit was signalled; killed in 2 s")
    pod.wait()


def test_the_grace_that_is_new_is_kept(pods):
    ini = HEAD.replace("= 5", "= 300") + main("a", stubborn("a"))
    pod = pods.start(ini)
    pod.says("a is ready")
    reload(pod, ini.replace("= 300", "= 1"))
    assert pod.stop() == 137


def test_a_refused_file_changes_nothing(pods):
    ini = HEAD + main("a") + main("b")
    pod = pods.start(ini, control=True)
    pod.running("a", "b")
    before = pids(pod, "a", "b")
    said = reload(pod, ini.replace("Seconds = 5", "Seconds = x") + main("c", "sleep 1", "enf = A=1"), "refused")
    assert len(said) == 3
    assert "pod.ini:3: pod: terminationGracePeriodSeconds: must be" in said[0]
    assert "main c: enf: unknown key; did you mean env?" in said[1]
    assert said[2] == "refused, 2 problems; the pod goes on as it was"
    assert pids(pod, "a", "b") == before
    # And goes on to be one that can be told.
    reload(pod, ini + main("c"))
    pod.running("c")
    assert pids(pod, "a", "b") == before
    pod.stop()


@pytest.mark.parametrize("old, new, problem", [
    ("name = test", "name = other", "pod: name: cannot change"),
    ("[pod]", "[pod]\nhostname = x", "pod: hostname: cannot change"),
    ("[pod]", "[pod]\nsecurityContext.runAsUser = 0", "pod: securityContext.runAsUser: cannot change"),
    ("emptyDir =\n", "emptyDir.medium = Memory\n", "volume data: emptyDir.medium: cannot change"),
    ("[volume data]\nemptyDir =\n", "", "volume data: cannot be removed"),
    ("[volume data]", "[volume more]\nemptyDir =\n[volume data]", "volume more: cannot be added"),
    ("command", "listen = 127.0.0.1:0\ncommand", "main a: listen:"),
])
def test_what_cannot_change_is_refused_whole(pods, old, new, problem):
    ini = HEAD + "\n[volume data]\nemptyDir =\n" + main("a")
    pod = pods.start(ini, how=UNSHARE)
    pod.running("a")
    said = reload(pod, ini.replace(old, new, 1) + main("b"), "refused")
    assert problem in said[0] and said[-1].startswith("refused, 1 problem;")
    assert starts(pod, "a") == 1 and not pod.events(process="b")
    pod.stop()


def test_new_removed_and_renamed(pods):
    ini = HEAD + main("a") + main("b", polite("b")) + main("old", polite("old"))
    pod = pods.start(ini, control=True)
    pod.says("old is ready")
    pod.running("a", "b", "old")
    said = reload(pod, HEAD + main("first") + main("new", polite("new")) + main("a"))
    assert {"main first: new", "main new: new", "main b: removed", "main old: removed"} <= set(said)
    pod.running("new", "first")
    assert starts(pod, "a") == 1
    ended = [event["process"] for event in pod.events(reason="Completed")]
    assert sorted(ended) == ["b", "old"]
    status = pod.status()
    assert [one["name"] for one in status["containerStatuses"]] == ["first", "new", "a"]
    assert all(one["ready"] for one in status["containerStatuses"])
    pod.stop()
    # All of those that there are now are stopped, and told by their names.
    assert {event["process"] for event in pod.events(reason="Killing")[2:]} == {"first", "new", "a"}


def test_the_order_in_which_they_stop(pods):
    """Mains first, sidecars after them from the last to the first; and who stays is waited for by nobody."""
    sidecars = main("s1", polite("s1"), kind="sidecar") + main("s2", polite("s2"), kind="sidecar")
    ini = HEAD + sidecars + main("stays") + main("m", polite("m", 0, 300), "dependsOn = s1:ready")
    pod = pods.start(ini)
    pod.says("m is ready")
    pod.running("stays")
    reload(pod, HEAD + main("stays"))
    ended = [event["process"] for event in pod.events(reason="Completed")]
    assert ended == ["m", "s2", "s1"]
    assert starts(pod, "stays") == 1
    pod.stop()


def test_who_is_depended_on_by_who_stays_does_not_wait(pods):
    ini = HEAD.replace("= 5", "= 60") + main("db", polite("db")) + main("web", "sleep 1000", "dependsOn = db")
    pod = pods.start(ini)
    pod.running("db", "web")
    reload(pod, ini.replace("[main db]", "[main db]\nenv = A=1"))
    pod.event(reason="Started", process="db", count=2)
    assert starts(pod, "web") == 1
    pod.signal(signal.SIGTERM)
    pod.wait()


def test_a_sidecar_that_is_new_or_changed(pods):
    ini = HEAD + main("s", polite("s"), kind="sidecar") + main("a")
    pod = pods.start(ini, control=True)
    pod.running("s", "a")
    said = reload(pod, ini.replace("[sidecar s]", "[sidecar first]\ncommand = sleep 1000\n\n[sidecar s]\nenv = A=1"))
    assert said[-1] == "done: 1 restarted, 1 new, 0 removed, 0 changed in place"
    pod.event(reason="Started", process="s", count=2)
    pod.running("first")
    assert starts(pod, "a") == 1
    names = [one["name"] for one in pod.status()["initContainerStatuses"]]
    assert names == ["first", "s"]
    pod.stop()


def test_an_init_that_is_done_is_not_run_again(pods):
    ini = HEAD + main("setup", "echo set up", kind="init") + main("a")
    pod = pods.start(ini, control=True)
    pod.running("a")
    said = reload(pod, ini.replace("echo set up", "echo again") + main("late", "echo late", kind="init"))
    assert "init late: is not run, for the pod is past it" in said
    assert said[-1] == "done: 0 restarted, 1 new, 0 removed, 1 changed in place"
    assert starts(pod, "setup") == 1 and not pod.events(reason="Started", process="late")
    status = pod.status()
    assert [one["ready"] for one in status["initContainerStatuses"]] == [True, True]
    assert starts(pod, "a") == 1
    pod.stop()


def test_reload_while_inits_run(pods):
    """The one that runs is restarted if it has changed; one behind it runs in its turn."""
    ini = HEAD + main("one", "true", kind="init") + main("two", "sleep 1000", kind="init") + main("a")
    pod = pods.start(ini)
    pod.running("two")
    reload(pod, HEAD + main("one", "false", kind="init") + main("two", "echo two", kind="init") +
           main("three", "echo three", kind="init") + main("a"))
    pod.running("three", "a")
    assert starts(pod, "one") == 1
    order = [event["process"] for event in pod.events(reason="Started")]
    assert order == ["one", "two", "two", "three", "a"]
    pod.stop()


def test_who_has_ended_for_good_runs_again_only_if_changed(pods):
    ini = HEAD.replace("[pod]", "[pod]\nrestartPolicy = Never") + main("job", "true") + main("a") + main("b", "true")
    pod = pods.start(ini)
    pod.event(reason="Completed", process="job")
    pod.event(reason="Completed", process="b")
    pod.running("a")
    reload(pod, ini.replace("[main job]", "[main job]\nenv = A=1").replace("[main a]", "[main a]\nenv = A=1"))
    pod.event(reason="Completed", process="job", count=2)
    pod.event(reason="Started", process="a", count=2)
    assert starts(pod, "b") == 1
    pod.stop()


def test_no_crash_backoff_after_a_change(pods):
    ini = HEAD + main("a") + main("crash", "false")
    pod = pods.start(ini)
    pod.event(reason="BackOff", process="crash")
    reload(pod, ini.replace("= false", "= sleep 1000"))
    until(lambda: is_running_now(pod, "crash"), "it runs")
    pod.stop()


def is_running_now(pod, name):
    last = [event["reason"] for event in pod.events(process=name)
            if event["reason"] in ("Started", "Error", "Completed", "BackOff")]
    return last and last[-1] == "Started"


def test_reload_while_the_pod_ends(pods):
    ini = HEAD.replace("= 5", "= 2") + main("a", stubborn("a"))
    pod = pods.start(ini)
    pod.says("a is ready")
    pod.signal(signal.SIGTERM)
    pod.event(reason="Killing", process="a")
    write(pod, ini + main("b"))
    pod.signal(signal.SIGHUP)
    pod.says("reload: not now, for the pod ends")
    assert pod.wait() == 137
    assert not pod.events(process="b")


def test_the_pod_ends_while_it_is_replaced(pods):
    ini = HEAD.replace("= 5", "= 3") + main("a", stubborn("a")) + main("b", polite("b"))
    pod = pods.start(ini)
    pod.says("a is ready")
    write(pod, ini.replace("[main a]", "[main a]\nenv = A=1"))
    pod.signal(signal.SIGHUP)
    pod.event(reason="Killing", process="a")
    pod.signal(signal.SIGTERM)
    pod.says("reload: given up, for the pod ends")
    assert pod.wait() == 137
    assert starts(pod, "a") == 1


def test_fifty_in_a_row(pods):
    ini = HEAD + main("a") + main("b")
    pod = pods.start(ini, control=True)
    pod.running("a", "b")
    before = pids(pod, "b")
    for i in range(50):
        write(pod, ini.replace("sleep 1000", f"sleep {1001 + i}", 1))
        pod.signal(signal.SIGHUP)
    until(lambda: any("sleep 1050 (restart)" in line for line in lines(pod)), "the last one is read")
    until(lambda: sum(line.startswith("done") for line in lines(pod)) ==
          sum("(restart)" in line for line in lines(pod)), "all are done")
    pod.event(reason="Started", process="a", count=2)
    assert pids(pod, "b") == before and starts(pod, "b") == 1
    assert pod.stop() == 143


def test_a_file_that_is_gone(pods):
    ini = HEAD + main("a")
    pod = pods.start(ini)
    pod.running("a")
    (pod.directory / "pod.ini").unlink()
    said = reload(pod, None, "refused")
    assert "No such file or directory" in said[0]
    write(pod, ini)
    assert "says nothing else than before" in reload(pod, None, str(pod.directory))[0]
    assert starts(pod, "a") == 1
    pod.stop()


def test_a_directory_of_files(pods):
    directory = pods.make_directory()
    (directory / "10-pod.ini").write_text(HEAD + main("a"))
    (directory / "20-b.ini").write_text(main("b"))
    pod = pods._start(directory, ["-c", directory])
    pod.running("a", "b")
    (directory / "20-b.ini").unlink()
    (directory / "30-c.ini").write_text(main("c"))
    assert {"main b: removed", "main c: new"} <= set(reload(pod))
    pod.running("c")
    assert starts(pod, "a") == 1
    pod.stop()


def test_standard_input_cannot_be_read_again(pods):
    directory = pods.make_directory()
    (directory / "in").write_text(HEAD + main("a"))
    with open(directory / "in", encoding="ascii") as file:
        pod = pods._start(directory, ["-c", "-"], stdin=file)
    pod.running("a")
    assert "cannot be read again" in reload(pod, None, "standard input")[0]
    pod.stop()


def test_a_relative_file_is_found_again(pods):
    directory = pods.make_directory()
    (directory / "data").mkdir()
    ini = HEAD + "\n[volume data]\nhostPath.path = data\n" + main("a")
    (directory / "pod.ini").write_text(ini)
    pod = pods._start(directory, ["-c", "pod.ini"], how=UNSHARE, cwd=directory)
    pod.running("a")
    assert "nothing else" in reload(pod, None, str(directory))[0]
    reload(pod, ini + main("b"))
    pod.running("b")
    assert starts(pod, "a") == 1
    pod.stop()


def test_an_entrypoint_gets_the_signal(pods):
    pod = pods.program("sh", "-c", "trap 'echo got HUP' HUP; echo ready; while :; do sleep 0.05; done")
    pod.says("ready")
    pod.signal(signal.SIGHUP)
    pod.says("got HUP")
    pod.stop()


def test_hooks_that_run_go_on(pods):
    """A postStart hook and a stop that began under the old file end under the new one."""
    go = "until [ -e %s ]; do sleep 0.02; done"
    directory = pods.make_directory()
    flag = directory / "go"
    ini = HEAD + main("a", "sleep 1000", f"lifecycle.postStart.exec.command = sh -c '{go % flag}'") + main("b")
    (directory / "pod.ini").write_text(ini)
    pod = pods._start(directory, ["-c", directory / "pod.ini"], control=True, how=UNSHARE)
    pod.running("a")
    reload(pod, HEAD + main("c") + main("a"))
    assert pod.container("a")["started"] is False
    flag.touch()
    until(lambda: pod.container("a")["started"], "the hook is done")
    pod.running("c")
    assert starts(pod, "a") == 1
    pod.stop()


def test_probes_change_in_place(pods):
    directory = pods.make_directory()
    ready = directory / "ready"
    probe = (f"readinessProbe.exec.command = test -e {ready}\nreadinessProbe.periodSeconds = 1",)
    with_probe = HEAD + main("a", "sleep 1000", *probe)
    (directory / "pod.ini").write_text(with_probe)
    pod = pods._start(directory, ["-c", directory / "pod.ini"], control=True, how=UNSHARE)
    pod.running("a")
    assert pod.container("a")["ready"] is False
    reload(pod, with_probe.replace("test -e", "test ! -e"))
    until(lambda: pod.container("a")["ready"], "the new probe succeeds")
    reload(pod, with_probe + main("b"))
    until(lambda: not pod.container("a")["ready"], "the old one fails again")
    reload(pod, HEAD + main("b") + main("a"))
    until(lambda: pod.container("a")["ready"], "without one it is ready")
    assert starts(pod, "a") == 1
    pod.stop()


def test_restarted_by_a_probe_with_the_new_number(pods):
    """Who has moved is still probed, and it is that one that is restarted."""
    directory = pods.make_directory()
    sick = directory / "sick"
    probe = (f"livenessProbe.exec.command = test ! -e {sick}", "livenessProbe.periodSeconds = 1",
             "livenessProbe.failureThreshold = 1")
    ini = HEAD + main("a", polite("a"), *probe)
    (directory / "pod.ini").write_text(ini)
    pod = pods._start(directory, ["-c", directory / "pod.ini"], how=UNSHARE)
    pod.running("a")
    reload(pod, HEAD + main("x") + main("y") + ini[len(HEAD):])
    pod.running("x", "y")
    sick.touch()
    pod.event(reason="Killing", process="a")
    sick.unlink()
    pod.event(reason="Started", process="a", count=2)
    assert starts(pod, "x") == starts(pod, "y") == 1
    pod.stop()


def test_orphans_and_ends_are_told_by_the_new_numbers(pods):
    ini = HEAD + main("a", "sleep 1000") + main("b", polite("b", 7))
    pod = pods.start(ini, how=UNSHARE)
    pod.says("b is ready")
    pod.running("a", "b")
    reload(pod, HEAD + main("new") + main("b", polite("b", 7)))
    pod.running("new")
    [b] = [pid for pid in pod.processes() if "polite" in open(f"/proc/{pid}/cmdline", encoding="ascii").read()]
    os.kill(b, signal.SIGTERM)
    assert pod.event(reason="Error", process="b")["exitCode"] == 7
    pod.event(reason="Started", process="b", count=2)
    assert starts(pod, "new") == 1
    pod.stop()


def test_no_descriptor_or_child_is_left(pods):
    ini = HEAD + main("a") + main("b")
    pod = pods.start(ini, how=UNSHARE, control=True)
    pod.running("a", "b")
    inner = pod.inner
    other = ini.replace("[main b]", "[main c]")

    def go_back_and_forth():
        """Who is removed before it has started was never told of."""
        for text, name in ((other, "c"), (ini, "b")):
            count = starts(pod, name) + 1
            reload(pod, text)
            pod.event(reason="Started", process=name, count=count)
    go_back_and_forth()
    before = len(os.listdir(f"/proc/{inner}/fd"))
    for _ in range(5):
        go_back_and_forth()
    pod.status()
    until(lambda: len(os.listdir(f"/proc/{inner}/fd")) <= before, "no descriptor is left")
    assert len(pod.processes()) == 2 and is_running(inner)
    pod.stop()


def test_a_terminal_comes_and_goes(pods):
    command = "sh -c 'test -t 1 && echo terminal || echo none; exec sleep 1000'"
    pod = pods.start(HEAD + main("one", command))
    pod.says("none\n")
    reload(pod, HEAD + main("one", command, "tty = true"))
    pod.says("terminal")
    reload(pod, HEAD + main("one", command))
    until(lambda: pod.output().count("none\n") == 2, "it has none again")
    pod.stop()


def test_who_waited_in_vain_goes_on_saying_for_whom(pods):
    """The name, not its place in the file."""
    ini = main("bad", "sh -c 'exit 3'") + main("waits", "sleep 1000", "dependsOn = bad:completed") + main("stays")
    pod = pods.start(HEAD + "restartPolicy = Never\n" + ini, control=True)
    pod.running("stays")

    def why():
        return pod.container("waits")["state"]["terminated"]["message"]
    assert why().endswith(": bad")
    reload(pod, HEAD + "restartPolicy = Never\n" + main("first") + ini)
    assert why().endswith(": bad")
    pod.stop()
