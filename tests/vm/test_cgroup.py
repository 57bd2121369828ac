"""cgroup v2 on a real kernel: limits hold for the process that they are of, and for nobody else."""

import pytest

from cgroups import ROOT, pod, running, until

SLEEP = "sleep 1000"


# --- where everything is ---


def test_the_first_process_of_a_machine_divides_its_root(cgvm):
    assert cgvm.out("cat /proc/1/cgroup") == "0::/podinit"
    assert cgvm.out("cat /proc/self/cgroup") == "0::/pod/agent"
    for directory in (ROOT, f"{ROOT}/pod"):
        enabled = cgvm.out(f"cat {directory}/cgroup.subtree_control").split()
        assert {"cpu", "memory", "pids", "io"} <= set(enabled)


def test_limits_stand_in_the_files(nest, cgvm):
    web = """resources.limits.cpu = 500m
resources.requests.cpu = 100m
resources.limits.memory = 64Mi
resources.limits.pids = 20
ioWeight = 50
"""
    one = nest.start(pod(f"web: {SLEEP}", f"db: {SLEEP}", pod="resources.limits.memory = 256Mi",
                         web=web))
    where = "0::" + one.base.removeprefix(ROOT)
    assert cgvm.out(f"cat /proc/{one.pid('web')}/cgroup") == f"{where}/pod/web"
    assert cgvm.out(f"cat /proc/{one.podinit}/cgroup") == f"{where}/podinit"
    one.pid("db")
    assert one.read("web/cpu.max") == "50000 100000"
    assert one.read("web/cpu.weight") == "4"  # 102 shares
    assert one.read("web/memory.max") == str(64 << 20)
    assert one.read("web/memory.swap.max") == "0"
    assert one.read("web/memory.oom.group") == "1"
    assert one.read("web/pids.max") == "20"
    assert one.read("memory.max") == str(256 << 20)
    assert one.read("db/cpu.weight") == "1"
    assert one.read("db/cpu.max") == "max 100000"
    assert one.read("db/memory.max") == "max"
    assert one.read("db/memory.oom.group") == "1"
    if "ioWeight" not in one.log():
        assert one.read("web/io.weight") == "default 50"
    else:
        assert "ioWeight of web is not enforced: the kernel has no io.weight" in one.log()
    assert "resources" not in one.log()
    assert one.stop() == 143
    assert cgvm.run(f"ls {one.base}").code != 0


def test_what_the_kernel_refuses_is_a_problem_and_nothing_starts(nest, cgvm):
    one = nest.run(pod(f"web: {SLEEP}", f"db: {SLEEP}", web="resources.limits.pids = 2147483647\n"))
    assert one.code == 125
    assert "pod.ini:6: main web: resources.limits.pids: the kernel refuses '2147483647'" in one.log()
    assert not one.events(reason="Started")
    assert cgvm.run(f"ls {one.base}").code != 0


@pytest.mark.parametrize("path, why", [
    ("/sys/fs/nowhere/at-all", "No such file or directory"), ("/tmp", "is no cgroup (v2)")])
def test_a_cgroup_that_cannot_be_used_is_a_problem(nest, path, why):
    one = nest.run(pod(f"web: {SLEEP}"), options=f"--cgroup {path}")
    assert one.code == 125
    assert f"--cgroup {path}: {why}" in one.log()


# --- limits hold ---


def test_a_memory_hog_is_killed_and_only_it(nest):
    """Again and again: where the one before has not given its memory back yet, the next runs out of it
    before its execve, and podinit must not share that."""
    one = nest.start(pod("hog: sh -c 'cg hog 200; echo the shell survived'", f"db: {SLEEP}",
                         policy="Always", hog="resources.limits.memory = 32Mi\nbackoff.initialSeconds = 0\n"))
    end = one.event(reason="OOMKilled", process="hog")
    assert end["exitCode"] == 137
    one.event(5, reason="OOMKilled", process="hog")
    hog, db = one.container("hog"), one.container("db")
    assert hog["restartCount"] >= 4
    assert hog["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert "running" in db["state"] and db["restartCount"] == 0
    assert "the shell survived" not in one.log()
    

def test_an_init_that_runs_out_of_memory_fails_the_pod(nest):
    one = nest.start(pod(f"web: {SLEEP}", pod="[init hog]\ncommand = cg hog 200\nresources.limits.memory = 32Mi"))
    assert one.wait() == 137
    assert one.event(reason="OOMKilled", process="hog")["exitCode"] == 137
    assert not one.events(process="web")
    assert one.events(reason="Phase")[-1]["phase"] == "Failed"


def test_a_pods_own_limit_kills_one_process_and_not_podinit(nest):
    one = nest.start(pod("hog: cg hog 200", f"db: {SLEEP}", pod="resources.limits.memory = 32Mi"))
    one.event(reason="OOMKilled", process="hog")
    assert "running" in one.container("db")["state"]


def test_a_sigkill_of_somebody_else_is_no_oom(nest, cgvm):
    one = nest.start(pod(f"web: {SLEEP}", f"db: {SLEEP}"))
    cgvm.out(f"kill -9 {one.pid('web')}")
    assert one.event(reason="Error", process="web")["exitCode"] == 137
    assert not one.events(reason="OOMKilled")


def test_cpu_time_is_what_was_asked_for_within_a_tenth(nest, cgvm):
    one = nest.start(pod("spin: cg spin", spin="resources.limits.cpu = 300m\n"))
    one.pid("spin")
    look = f"cut -d' ' -f1 /proc/uptime; grep ^usage_usec {one.base}/pod/spin/cpu.stat"
    shares = []
    # An emulated processor stands still when the real one has others to serve; not always.
    while len(shares) < 6 and pytest.approx(0.3, rel=0.1) not in shares:
        words = cgvm.out(f"{look}; sleep 3; {look}").split()
        seconds = float(words[3]) - float(words[0])
        shares.append((int(words[5]) - int(words[2])) / 1e6 / seconds)
    assert pytest.approx(0.3, rel=0.1) in shares


def test_a_fork_bomb_stops_and_its_neighbour_can_fork(nest):
    one = nest.start(pod("bomb: cg forks", "db: sh -c 'while ! [ -e /tmp/go ]; do sleep 0.2; done; "
                         "for i in 1 2 3 4 5 6 7 8; do sleep 0.1 & done; wait; echo db forked; "
                         "rm /tmp/go; sleep 1000'", bomb="resources.limits.pids = 5\n"))
    one.says("forked 4 times: Resource temporarily unavailable")
    one.vm.out("touch /tmp/go")
    one.says("db forked")
    assert one.read("bomb/pids.current") == "5"


# --- what a process leaves behind ---

DAEMON = "sh -c 'if [ -e {0} ]; then exec sleep 1000; fi; touch {0}; cg detach 4321; " \
    "(setsid sleep 4321 &) ; until [ $(ps -o args | grep -c 4321$) = 2 ]; do sleep 0.1; done; " \
    "echo 2 daemons; exit 1'"


@pytest.mark.parametrize("before", ["", "restrict no-clone3=ENOSYS --", "restrict no-clone3=EPERM --"])
def test_a_restart_takes_daemons_along(nest, cgvm, before):
    """Also where the child goes to its cgroup by itself."""
    cgvm.out("rm -f /tmp/was-here")
    one = nest.start(pod("web: " + DAEMON.format("/tmp/was-here"), policy="Always"), before=before)
    one.says("2 daemons")
    pid = one.pid("web", 2)
    until(lambda: one.read("web/cgroup.procs") == str(pid), "only the second instance is there")
    assert running(cgvm, "cg detach 4321") + running(cgvm, "sleep 4321") == []
    assert one.stop() is not None
    assert cgvm.run(f"ls {one.base}").code != 0


def test_a_process_with_a_view_is_in_its_cgroup(nest, cgvm):
    for before in ("", "restrict no-clone3=ENOSYS --"):
        one = nest.start(pod("web: sh -c 'cat /proc/self/cgroup; exec sleep 1000'",
                             web="securityContext.readOnlyRootFilesystem = true\n"), before=before)
        one.pid("web")
        one.says("/pod/web")


def test_a_cgroup_that_cannot_be_entered_is_a_start_error(nest, cgvm):
    one = nest.start(pod("web: false", f"db: {SLEEP}", policy="Always",
                         web="backoff.initialSeconds = 2\n"))
    one.event(2, reason="Error", process="web")
    cgvm.out(f"rmdir {one.base}/pod/web")
    assert "web: cannot enter its cgroup: No such" in one.event(reason="StartError")["message"]
    assert "running" in one.container("db")["state"]


def test_without_cgroup_kill_nobody_gets_away(cgvm):
    cgvm.out(f"mkdir {ROOT}/k; echo 60 >{ROOT}/k/pids.max")
    bomb = "while :; do sh -c 'cg detach 5' & done"
    cgvm.out(f"cg in {ROOT}/k sh -c \"{bomb}\" >/dev/null 2>&1 &")
    until(lambda: int(cgvm.out(f"cat {ROOT}/k/pids.current")) > 10, "it forks")
    cgvm.out(f"for i in 1 2 3; do cg kill-each {ROOT}/k; sleep 0.5; "
                f"grep -q 'populated 0' {ROOT}/k/cgroup.events && break; done")
    assert "populated 0" in cgvm.out(f"cat {ROOT}/k/cgroup.events")
    assert cgvm.out(f"cat {ROOT}/k/cgroup.freeze") == "0"
    cgvm.out(f"rmdir {ROOT}/k")


def test_cgroups_that_a_process_made_are_gone_too(nest, cgvm):
    make = "sh -c 'cd /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); mkdir -p a/b c; " \
        "echo $$ >c/cgroup.procs; echo +pids >cgroup.subtree_control; "
    one = nest.start(pod("web: " + make + "echo made; exit 1'", policy="Always",
                         web="backoff.initialSeconds = 0\n"))
    one.event(2, reason="Error", process="web")
    assert not one.events(reason="StartError")
    assert one.log().count("made") >= 2
    one.stop()
    assert cgvm.run(f"ls {one.base}").code != 0


def test_what_a_killed_podinit_left_is_no_obstacle(nest, cgvm):
    one = nest.start(pod(f"web: {SLEEP}"))
    pid = one.pid("web")
    cgvm.out(f"kill -9 {one.podinit} && kill -9 {pid}")
    one.wait()
    again = nest.start(pod(f"web: {SLEEP}"), options=f"--cgroup {one.base}")
    again.pid("web")
    busy = nest.run(pod(f"web: {SLEEP}"), options=f"--cgroup {one.base}")
    assert busy.code == 125 and "has processes of another podinit in it" in busy.log()
    assert cgvm.out(f"cat {one.base}/podinit/cgroup.procs") == str(again.podinit)
    again.stop()
    assert cgvm.run(f"ls -d {one.base}/*/").out == ""


# --- commands beside a process ---


def test_a_hook_is_in_the_cgroup_of_its_process(nest, cgvm):
    hook = "lifecycle.{}.exec.command = sh -c 'cat /proc/self/cgroup >/tmp/hook-{}'\n"
    one = nest.start(pod(f"web: {SLEEP}", web=hook.format("postStart", 1) + hook.format("preStop", 2)))
    one.pid("web")
    where = "0::" + one.base.removeprefix(ROOT) + "/pod/web"
    until(lambda: cgvm.run("cat /tmp/hook-1").out.strip() == where, "the postStart hook was there")
    assert one.stop() == 143
    assert cgvm.out("cat /tmp/hook-2") == where
    assert cgvm.run(f"ls {one.base}").code != 0


def test_a_hook_that_runs_out_of_memory_takes_its_process_along(nest):
    limited = "resources.limits.memory = 32Mi\nlifecycle.postStart.exec.command = cg hog 200\n"
    one = nest.run(pod(f"web: {SLEEP}", web=limited))
    assert [event["reason"] for event in one.events() if event.get("process") == "web"] == \
        ["Started", "OOMKilled"]
    assert one.code == 137
