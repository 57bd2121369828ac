"""Restricted as a container may be: a user that nobody knows, nothing to write to, no capabilities,
no new privileges, a seccomp filter, no /proc; each alone and all together; as process 1 and not."""

import os
import resource
import time

import pytest

from pods import (HELPER, PLAIN, PODCTL, RESTRICT, UNSHARE, children, for_everyone, polite, read,
                  state_of, until)

NOBODY_KNOWS = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"]
# But for the mark by which the tests find their processes.
NO_ENVIRONMENT = ["sh", "-c", 'exec env -i E2E_POD="$E2E_POD" "$@"', "sh"]
NO_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
NO_NEW_PRIVILEGES = ["setpriv", "--no-new-privs"]


def refused(error):
    return [RESTRICT, f"no-subreaper={error}", f"no-clone3={error}", "--"]


def all_together(*more):
    return [RESTRICT, "read-only", "no-subreaper=EPERM", "no-clone3=EPERM", *more, "--",
            *NOBODY_KNOWS, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
            *NO_ENVIRONMENT]


RESTRICTIONS = {
    "uid-1234": NOBODY_KNOWS,
    "no-environment": NO_ENVIRONMENT,
    "no-capabilities": NO_CAPABILITIES,
    "no-new-privileges": NO_NEW_PRIVILEGES,
    "read-only": [RESTRICT, "read-only", "--"],
    "no-proc": [RESTRICT, "no-proc", "--"],
    "other-proc": [RESTRICT, "other-proc", "--"],
    "refused": refused("EPERM"),
    "not-there": refused("ENOSYS"),
    "all": all_together(),
    "all-and-no-proc": all_together("no-proc"),
}
REFUSE_SUBREAPER = ["refused", "not-there", "all", "all-and-no-proc"]
HIDE_PROC = ["no-proc", "other-proc", "all-and-no-proc"]
# As a plain process it has the /proc of its own namespace or none.
EACH = [(name, how) for name in RESTRICTIONS for how in (UNSHARE, PLAIN)
        if (name, how) != ("other-proc", PLAIN)]

each = pytest.mark.parametrize("name, how", EACH, ids=[f"{name}-{how}" for name, how in EACH])


def prefix_of(name, how):
    """The mount namespace is the test's own: what is changed there is changed nowhere else."""
    return (["unshare", "--mount"] if how == PLAIN else []) + RESTRICTIONS[name]


def program(pods, name, how, *command, options=()):
    """Nothing is written but to descriptors that podinit is given."""
    return pods.program(*command, how=how, prefix=prefix_of(name, how), events=False,
                        options=options)


def pod_of(pods, name, how, ini, *options, **more):
    """The pod is read from standard input, as there may be no directory to put a file into."""
    path = pods.make_directory() / "stdin"
    path.write_text(ini)
    with open(path, encoding="ascii") as stdin:
        return pods.with_arguments(*options, "-c", "-", how=how, prefix=prefix_of(name, how),
                                   events=False, stdin=stdin, **more)


def reaps_orphans(name, how):
    return how == UNSHARE or name not in REFUSE_SUBREAPER


def is_left_with(pod, count):
    """So many children, none of which is a zombie."""
    found = children(pod.inner)
    return len(found) == count and "Z" not in map(state_of, found)


@each
def test_an_entrypoint_runs_ends_when_told_and_reaps(pods, name, how):
    script = f"{HELPER} orphans 30; exec {HELPER} polite program 7 0"
    pod = program(pods, name, how, "sh", "-c", script)
    pod.says("program is ready")
    until(lambda: is_left_with(pod, 1), "the orphans are reaped")
    pod.signal(15)
    assert pod.wait() == 7
    assert "podinit: ends with exit code 7" in pod.output()
    assert not pod.survivors()
    told = "orphans will not be reaped here"
    assert pod.output().count(told) == (not reaps_orphans(name, how))


@each
def test_an_entrypoint_has_the_programs_own_exit_code(pods, name, how):
    # Found by the default path where there is no environment.
    assert program(pods, name, how, "sh", "-c", "exit 3").wait() == 3
    assert program(pods, name, how, "sh", "-c", "kill -9 $$").wait() == 137
    assert program(pods, name, how, "/nope").wait() == 127


@each
def test_an_entrypoint_passes_signals_on(pods, name, how):
    pod = program(pods, name, how, HELPER, "listen", "program")
    pod.says("program listens")
    for signo in (1, 10, 2, 40, 15):
        pod.signal(signo)
        pod.says(f"program got {signo}\n")
    assert pod.wait() == 0


POD = f"""[pod]
name = restricted
restartPolicy = OnFailure
terminationGracePeriodSeconds = 5
[init i]
command = sh -c 'echo init ran'
[sidecar s]
command = {polite('s')}
[main m]
command = {polite('m', 7)}
[main again]
command = sh -c 'exit 3'
backoff.initialSeconds = 50ms
backoff.maxSeconds = 50ms
[main orphans]
command = {HELPER} orphans 30
"""


@each
def test_a_pod_runs_restarts_and_ends_in_order(pods, name, how):
    pod = pod_of(pods, name, how, POD, "--no-control")
    for text in ("init ran", "s is ready", "m is ready", "again: started as process"):
        pod.says(text)
    until(lambda: pod.output().count("again: ended with exit code 3") > 2, "it restarts")
    pod.says("orphans: ended with exit code 0")
    pod.signal(15)
    assert pod.wait() == 7  # of the first main in the file that failed
    lines = ("i: ended with exit code 0", "s: started", "m: started", "m: ended with exit code 7",
             "s: ended with exit code 0", "pod: Failed", "ends with exit code 7")
    places = [pod.output().index(f"podinit: {line}") for line in lines]
    assert places == sorted(places)
    assert not pod.survivors()


def leaves_a_daemon(milliseconds):
    return "[pod]\nterminationGracePeriodSeconds = 1\n" \
        f"[main m]\ncommand = sh -c '(setsid {HELPER} flush daemon {milliseconds} &)" \
        f" ; exec {HELPER} polite m 0 0'\n"


@each
def test_a_daemon_that_a_main_leaves_is_asked_where_podinit_can_know_it(pods, name, how):
    pod = pod_of(pods, name, how, leaves_a_daemon(300), "--no-control")
    pod.says("daemon is ready")
    pod.says("m is ready")
    until(lambda: not reaps_orphans(name, how) or len(children(pod.inner)) == 2,
          "the daemon is an orphan")
    began = time.monotonic()
    pod.signal(15)
    assert pod.wait() == 0
    assert time.monotonic() - began < 4.5  # the grace and two seconds, on a busy machine
    # Somebody else's child by now, or one that only /proc could name: signalled by nobody.
    unknown = how == PLAIN and (name in REFUSE_SUBREAPER or name in HIDE_PROC)
    assert ("daemon flushed" in pod.output()) == (not unknown)
    assert [read(f"/proc/{pid}/cmdline").split("\0")[1] for pid in pod.survivors()] == \
        (["flush"] if unknown else [])


# Says every place where a file could be made.
TRY_TO_WRITE = """
for place in / /tmp /var/tmp /run /dev/shm /dev /proc /etc /home "$HOME" /tmp/everyones "$0"; do
    (: >"$place/written") 2>/dev/null && echo "could write to $place"
done
echo tried everywhere
"""


@pytest.mark.parametrize("how", [UNSHARE, PLAIN])
@pytest.mark.parametrize("name", ["read-only", "all", "all-and-no-proc"])
def test_there_was_no_place_to_write_to(open_pods, name, how):
    pod = program(open_pods, name, how, "sh", "-c", TRY_TO_WRITE, open_pods.directory)
    assert pod.wait() == 0
    assert pod.output().count("tried everywhere") == 1
    assert "could write" not in pod.output()


def test_everything_was_taken_away(pods):
    script = "cat /proc/self/status; echo user $(id -u) $(id -un 2>&1); echo home ${HOME-none}"
    pod = program(pods, "all", UNSHARE, "sh", "-c", script)
    assert pod.wait() == 0
    lines = pod.output().replace("\t", " ").splitlines()
    for line in ("Uid: 1234 1234 1234 1234", "NoNewPrivs: 1", "Seccomp: 2", "home none",
                 *(f"Cap{which}: 0000000000000000" for which in ("Inh", "Prm", "Eff", "Bnd", "Amb"))):
        assert line in lines
    assert "cannot find name for user ID 1234" in pod.output()


def test_podctl_finds_a_pod_that_can_make_no_socket_file(pods):
    # The socket has an abstract name then, by the number of the PID namespace: no option says it.
    ini = "[pod]\nname = restricted\n[main m]\nrestartPolicy = Never\n" \
        f"command = {for_everyone(PODCTL)} status\n"
    pod = pod_of(pods, "all", UNSHARE, ini)
    assert pod.wait() == 0
    assert "restricted" in pod.out.read_text()
    assert "podctl cannot ask" not in pod.output()


def test_a_volume_that_cannot_be_made_is_said_before_anything_starts(pods):
    ini = "[pod]\n[volume v]\nemptyDir =\n[main m]\ncommand = true\nvolumeMounts = v:/mnt\n"
    pod = pod_of(pods, "all", UNSHARE, ini, "--no-control")
    assert pod.wait() == 125
    assert "nothing was started" in pod.output()
    assert "started as process" not in pod.output()


@pytest.mark.parametrize("name", REFUSE_SUBREAPER)
def test_where_it_may_not_be_a_subreaper_it_says_so_once_and_goes_on(pods, name):
    for one in (program(pods, name, PLAIN, "true"),
                pod_of(pods, name, PLAIN, "[pod]\n[main m]\ncommand = true\n"
                       "restartPolicy = Never\n", "--no-control")):
        assert one.wait() == 0
        assert one.output().count("orphans will not be reaped here: neither process 1 nor") == 1
        assert "subreaper: " in one.output()
        assert "reaps as a child subreaper" not in one.output()


@pytest.mark.parametrize("how", [UNSHARE, PLAIN])
def test_a_program_may_run_in_a_directory_that_its_user_may_not_enter(open_pods, how):
    # As after `cd /root; setpriv --reuid=1234 podinit -- PROGRAM`: without podinit it runs there.
    secret = open_pods.directory / "secret"
    secret.mkdir()
    secret.chmod(0o700)
    pod = open_pods.program("sh", "-c", "readlink /proc/self/cwd; exit 4", how=how, cwd=secret,
                            prefix=NOBODY_KNOWS, events=False)
    assert pod.wait() == 4
    assert f"{secret}\n" in pod.out.read_text()


def test_a_given_descriptor_is_not_handed_on_where_proc_is_missing(pods):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        os.dup2(0, 2000)
        pod = pods.program(HELPER, "polite", "m", "0", "0", how=UNSHARE, events=False,
                           prefix=prefix_of("no-proc", UNSHARE), pass_fds=[2000])
        pod.says("m is ready")
        main, = children(pod.inner)
        assert sorted(map(int, os.listdir(f"/proc/{main}/fd"))) == [0, 1, 2]
    finally:
        os.close(2000)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
