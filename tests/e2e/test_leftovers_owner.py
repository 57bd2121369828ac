"""Whose is what was left behind? While the pod goes on, what an ended process has left is killed as far
as podinit can tell whose it is: by descent, by mount namespace, by exclusion. The rest is kept, named,
and ends with the pod."""

import re

import pytest

from pods import (HELPER, NOTIFIER, PLAIN, SANDBOX, UNSHARE, children, descendants, is_running, kill,
                  never, read, until)
from test_leftovers import script
from test_shared_namespace import join  # noqa: F401, a fixture

WAYS = [SANDBOX, UNSHARE, PLAIN]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
BACKOFF = "backoff.initialSeconds = 50ms\nbackoff.maxSeconds = 50ms\n"


def daemons(count=1):
    """Each in a session of its own, its parent gone."""
    return f"{HELPER} daemons {count}"


def left(pod, word="daemons"):
    """The daemons of this pod that run, by outer number."""
    return [pid for pid in pod.survivors() if f"\0{word}\0" in read(f"/proc/{pid}/cmdline")]


def always(**mains):
    """A pod of these mains, each started again quickly: {name: command or (command, more keys)}"""
    ini = "[pod]\nrestartPolicy = Always\nterminationGracePeriodSeconds = 2\n"
    for name, command in mains.items():
        command, more = command if isinstance(command, tuple) else (command, "")
        ini += f"[main {name}]\ncommand = {command}\n{BACKOFF}{more}"
    return ini


def volume(pods, name):
    """What gives a process a mount namespace of its own."""
    directory = pods.directory / f"volume-{name}"
    directory.mkdir(exist_ok=True)
    directory.chmod(0o777)
    return f"volumeMounts = {name}:/mnt\n", f"[volume {name}]\nhostPath.path = {directory}\n"


def kept(pod, **wanted):
    return [event["message"] for event in pod.events(reason="Leftover", **wanted)
            if "until the pod ends" in event["message"]]


def is_left_with(pod, count):
    until(lambda: len(left(pod)) == count, f"{count} daemons are left")


# --- by exclusion ---

@pytest.mark.parametrize("how", WAYS)
def test_twenty_restarts_of_the_only_main_leave_nothing(pods, how):
    work = script(pods, "main", f"{daemons(3)}; exit 1")
    pod = pods.start(always(web=str(work)), how=how)
    pod.event(count=21, reason="Started", process="web")
    until(lambda: len(left(pod)) <= 3, "only the latest ones are left")
    pod.stop()
    assert not kept(pod)
    assert not pod.survivors()
    told = pod.event(reason="Leftover", process="web")["message"]
    assert told.startswith("web: 3 processes left behind get SIGKILL: ")
    assert told.count("(helper)") == 3


@pytest.mark.parametrize("how", WAYS)
def test_what_an_init_leaves_is_gone_before_the_main_starts(pods, how):
    work = script(pods, "init", f"{daemons(2)}; exit 0")
    main = script(pods, "main", f"echo sees $(pgrep -c -f '^{HELPER} daemons' || :); exec sleep 1000")
    pod = pods.start(never(f"web: {main}") + f"[init i]\ncommand = {work}\n", how=how)
    pod.event(reason="Started", process="web")
    is_left_with(pod, 0)
    assert not kept(pod)


def test_who_began_later_cannot_have_left_it(pods):
    began, go, again = (pods.directory / name for name in ("began", "go", "again"))
    work = script(pods, "first", f"{daemons()}; touch {go}; until test -e {again}; do sleep 0.01; done")
    # Runs again once the daemon is there, younger by more than the 10 ms of the kernel's clock, and goes on when
    # its maker ends.
    later = script(pods, "later", f"if test -e {began}; then touch {again}; exec sleep 1000; fi; touch {began}; "
                                  f"until test -e {go}; do sleep 0.01; done; sleep 0.05; exit 1")
    pod = pods.start(never(f"first: {work}") + f"[main later]\nrestartPolicy = Always\n{BACKOFF}"
                     f"command = {later}\n")
    pod.event(reason="Completed", process="first")
    is_left_with(pod, 0)
    assert pod.events(reason="Started", process="later")[-1]["restartCount"] == 1
    assert not kept(pod, process="first")


def test_it_goes_when_the_last_one_has_ended_whose_it_may_have_been(pods):
    go = pods.directory / "go"
    first = script(pods, "first", f"{daemons()}; exit 0")
    second = script(pods, "second", f"until test -e {go}; do sleep 0.01; done; exit 0")
    pod = pods.start(never(f"second: {second}", f"first: {first}"
                           ) + f"[main third]\ncommand = sh -c 'sleep 0.5; exit 1'\n"
                     f"restartPolicy = Always\n{BACKOFF}")
    pod.event(reason="Completed", process="first")
    until(lambda: kept(pod), "it is kept")
    # third, too, has not ended once since.
    pod.event(count=2, reason="Started", process="third")
    assert len(left(pod)) == 1
    go.touch()
    is_left_with(pod, 0)
    assert len(kept(pod)) == 1


# --- by descent ---

@pytest.mark.parametrize("how", WAYS)
def test_its_session_goes_with_it_and_all_that_descends_from_that(pods, how):
    ready = pods.directory / "ready"
    child = script(pods, "child", f"setsid {HELPER} stubborn deep & echo $! >{ready}; wait")
    # The child changes its process group; its own child its session.
    main = script(pods, "main", f"rm -f {ready}\n"
                  f"({HELPER} in-own-group {child} &)\n"
                  f"until test -s {ready}; do sleep 0.01; done; sleep 0.1; exit 1")
    pod = pods.start(always(stay="sleep 1000", web=str(main)), how=how)
    pod.event(count=6, reason="Started", process="web")
    until(lambda: len(left(pod, "stubborn")) <= 1, "only the latest one's is left")
    pod.stop()
    assert not kept(pod)
    assert not pod.survivors()


# --- by mount namespace ---

@pytest.mark.parametrize("how, prefix", [(SANDBOX, []), (UNSHARE, []), (PLAIN, []),
                                         (SANDBOX, NOBODY)],
                         ids=["sandbox", "unshare", "plain", "rootless"])
def test_who_is_in_its_mount_namespace_goes_with_it(open_pods, how, prefix):
    use, volumes = volume(open_pods, "v")
    work = script(open_pods, "main", f"{daemons(2)}; exit 1")
    once = script(open_pods, "once", f"{daemons(1)}; exit 0")
    pod = open_pods.start(always(stay="sleep 1000", web=(str(work), use),
                                 once=(str(once), use + "restartPolicy = Never\n")) + volumes,
                          how=how, prefix=prefix)
    pod.event(count=6, reason="Started", process="web")
    pod.event(reason="Completed", process="once")
    until(lambda: len(left(pod)) <= 2, "only the latest ones' are left")
    pod.stop()
    assert not kept(pod)
    assert not pod.survivors()


def test_who_has_a_mount_namespace_of_its_own_cannot_have_left_what_is_outside(pods):
    use, volumes = volume(pods, "v")
    work = script(pods, "main", f"{daemons(2)}; exit 1")
    pod = pods.start(always(stay=("sleep 1000", use), web=str(work)) + volumes)
    pod.event(count=6, reason="Started", process="web")
    pod.stop()
    assert not kept(pod)
    assert not pod.survivors()


@pytest.mark.parametrize("has_view", [False, True], ids=["plain", "view"])
def test_other_users_daemons_go_too_where_podinit_may_trace_nobody(open_pods, has_view):
    # As in a container: without CAP_SYS_PTRACE.
    use, volumes = volume(open_pods, "v") if has_view else ("", "")
    work = script(open_pods, "main", f"{daemons(2)}; exit 1")
    as_user = "securityContext.runAsUser = 1234\nsecurityContext.runAsGroup = 1235\n"
    mains = {"web": (str(work), use + as_user)}
    if has_view:
        mains["stay"] = "sleep 1000"
    pod = open_pods.start(always(**mains) + volumes, how=UNSHARE,
                          prefix=["setpriv", "--bounding-set=-sys_ptrace"])
    pod.event(count=6, reason="Started", process="web")
    until(lambda: len(left(pod)) <= 2, "only the latest ones' are left")
    pod.stop()
    assert not kept(pod)
    assert not pod.survivors()


# --- what nobody can tell ---

@pytest.mark.parametrize("how", WAYS)
def test_what_may_be_anothers_is_kept_named_once_and_ends_with_the_pod(pods, how):
    once = pods.directory / "once"
    work = script(pods, "main", f"test -e {once} || {daemons(2)}; touch {once}; sleep 0.05; exit 1")
    pod = pods.start(always(other="sleep 1000", web=str(work)), how=how)
    pod.event(count=6, reason="Started", process="web")
    assert len(left(pod)) == 2
    names = [int(word) for word in kept(pod)[0].replace("(", " ").split() if word.isdigit()][1:]
    assert len(names) == 2
    assert kept(pod) == [
        "web: left 2 processes behind that may be others' and so stay until the pod ends: "
        f"{names[0]} (helper), {names[1]} (helper)"]
    pod.stop()
    assert not pod.survivors()


@pytest.mark.parametrize("how", [UNSHARE, PLAIN])
def test_who_was_there_before_podinit_is_not_what_a_main_left(pods, how):
    # It could leave orphans, too: so what the main leaves may be its.
    work = script(pods, "main", f"{daemons()}; sleep 0.05; exit 1")
    pod = pods.start(always(web=str(work)), how=how, prefix=[
        "sh", "-c", f'{HELPER} polite stranger 0 0 & exec "$0" "$@"'])
    pod.says("stranger is ready")
    pod.event(count=4, reason="Started", process="web")
    assert len(left(pod, "polite")) == 1
    assert len(left(pod)) >= 3
    assert kept(pod)
    pod.stop()
    assert not pod.survivors()


def test_who_has_joined_is_never_killed_by_a_restart(pods, join):  # noqa: F811
    go = pods.directory / "go"
    work = script(pods, "main", f"until test -e {go}; do sleep 0.01; done; {daemons(2)}; exit 1")
    pod = pods.start(always(web=str(work)), how=UNSHARE)
    pod.running("web")
    # From outside; and as `kubectl exec` does, in podinit's own mount namespace.
    # (Of one with more capabilities than podinit nobody can tell where it is.)
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    outside = join(pod, HELPER, "polite", "outside", 0, 0, prefix=powerless)
    orphan = join(pod, "sh", "-c", f"(setsid {HELPER} polite orphan 0 0 &)", prefix=powerless)
    inside = join(pod, "nsenter", "-t", pod.inner, "-m", HELPER, "polite", "inside", 0, 0)
    for one, name in ((outside, "outside"), (orphan, "orphan"), (inside, "inside")):
        one.says(f"{name} is ready")
    go.touch()
    pod.event(count=6, reason="Started", process="web")
    assert outside.process.poll() is None and inside.process.poll() is None
    orphans = [pid for pid in children(pod.inner) if "polite" in read(f"/proc/{pid}/cmdline")]
    assert len(orphans) == 1 and is_running(orphans[0])
    # One in podinit's mount namespace may have left the daemons; then it goes, and they can go.
    assert len(left(pod)) >= 10
    for pid in children(inside.process.pid):
        kill(pid)
    inside.wait()
    until(lambda: len(left(pod)) <= 2, "the daemons are gone")
    assert is_running(orphans[0]) and outside.process.poll() is None
    pod.stop()


# --- many ---

@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
def test_a_thousand_daemons_are_gone_before_it_starts_again(pods, how):
    once = pods.directory / "once"
    work = script(pods, "main", f"test -e {once} && exec sleep 1000; touch {once}; {daemons(1000)}; exit 1")
    pod = pods.start(always(web=str(work)), how=how)
    pod.event(count=2, reason="Started", process="web", seconds=60)
    is_left_with(pod, 0)
    told = pod.event(reason="Leftover", process="web")["message"]
    assert told.startswith("web: 1000 processes left behind get SIGKILL: ")
    assert told.endswith(", ...")


def test_one_whose_first_thread_has_ended_goes_too(pods):
    once = pods.directory / "once"
    work = script(pods, "main", f"test -e {once} && exec sleep 1000; touch {once}\n"
                  f"(setsid {HELPER} leaderless daemon &); sleep 0.3; exit 1")
    pod = pods.start(always(web=str(work)))
    pod.event(count=2, reason="Started", process="web")
    until(lambda: not left(pod, "leaderless"), "it is gone")


# --- at the end of the pod it is asked ---

@pytest.mark.parametrize("how", WAYS)
def test_what_the_last_main_leaves_gets_its_time(pods, how):
    work = script(pods, "main", f"(setsid {HELPER} flush daemon 300 &)\nsleep 0.3; exit 0")
    pod = pods.start(never(f"web: {work}"), how=how)
    assert pod.wait() == 0
    assert "daemon flushed" in pod.output()
    assert not pod.survivors()


# --- podinit's own, and those it may not touch ---

def test_many_whom_podinit_may_not_kill_do_not_hold_it_up(open_pods):
    """More than fit one walk: it would look at the same ones again and again."""
    ini = never("leaves: sh -c 'for i in $(seq 300); do sleep 1000 & done'", "other: sleep 1000")
    ini = ini.replace("[main leaves]\n", "[main leaves]\nsecurityContext.runAsUser = 65534\n")
    pod = open_pods.start(ini.replace("Seconds = 5", "Seconds = 1"), how=UNSHARE,
                          prefix=["setpriv", "--bounding-set=-kill"])
    pod.event(reason="Leftover", process="leaves", seconds=40)
    assert kept(pod, process="leaves")
    assert pod.stop() == 143


def test_a_number_that_was_given_out_again_is_its_new_owners(pods):
    """A process has ended, its postStop hook runs; meanwhile one of another leads a group of the same number."""
    again, taken, over = (pods.directory / name for name in ("again", "taken", "over"))
    takes = f"until test -e {again}; do sleep 0.01; done; n=$(cat {again}); " \
        f"while echo $((n - 1)) > /proc/sys/kernel/ns_last_pid; {NOTIFIER} session 0 stay here & " \
        f"test $! != $n; do kill $!; done; echo > {taken}; exec sleep 1000"
    (pods.directory / "takes").write_text(takes)
    pod = pods.start("[pod]\nname = test\nrestartPolicy = Always\nterminationGracePeriodSeconds = 100\n"
                     f"\n[main b]\ncommand = sh {pods.directory}/takes\nsecurityContext.privileged = true\n"
                     "\n[main a]\ncommand = sh -c 'exit 1'\nlifecycle.postStop.exec.command = "
                     f"sh -c 'until test -e {over}; do sleep 0.01; done'\n", how=UNSHARE)
    number = pod.event(reason="Error", process="a")["pid"]
    (pods.directory / "new").write_text(str(number))
    (pods.directory / "new").rename(again)
    until(taken.exists, "the number is taken")
    owner = [pid for pid in descendants(pod.inner)
             if re.search(rf"\nNSpid:.*\t{number}\n", read(f"/proc/{pid}/status"))]
    assert len(owner) == 1
    over.touch()
    pod.event(count=2, reason="Started", process="a")
    assert is_running(owner[0])
