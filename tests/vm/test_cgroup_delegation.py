"""Whose cgroup it is: podinit divides what was given to it, and nothing else; and what holds without."""

import pytest

from cgroups import ROOT, Nest, pod, programs, running

SLEEP = "sleep 1000"
OTHER = "(cg in {base} sleep 1001 &); until grep -q . {base}/cgroup.procs; do sleep 0.1; done; "
LIMITED = pod(f"web: {SLEEP}", f"db: {SLEEP}", web="resources.limits.memory = 64Mi\n")


def state(machine, base):
    """What is below a cgroup, what is enabled for it, and who is in it."""
    return machine.out(f"cd {base}; ls -d */; cat cgroup.subtree_control; cat cgroup.procs")


@pytest.mark.parametrize("before", [
    "cg in {base} cg namespace",
    "cg mark {base} && cg in {base}",
    "chown -R 1000 {base} && cg in {base} cg as 1000"], ids=["container", "systemd", "user"])
def test_a_delegated_cgroup_is_divided_and_given_back(nest, cgvm, before):
    one = nest.start(LIMITED, options="", before=before)
    one.pid("web")
    assert "enforced" not in one.log()
    assert one.read("web/memory.max") == str(64 << 20)
    name = one.base.split("/")[-1]
    assert cgvm.out(f"cat /proc/{one.podinit}/cgroup") == f"0::/{name}/podinit"
    one.stop()
    assert cgvm.run(f"ls -d {one.base}/*/").out == ""
    assert cgvm.out(f"cat {one.base}/cgroup.subtree_control") == ""


def test_who_else_was_in_a_delegated_cgroup_is_there_again_afterwards(nest, cgvm):
    one = nest.start(LIMITED, options="", before=OTHER + "cg in {base} cg namespace")
    one.pid("web")
    other, = running(cgvm, "sleep 1001")
    assert other in cgvm.out(f"cat {one.base}/podinit/cgroup.procs").split()
    one.stop()
    assert cgvm.out(f"cat {one.base}/cgroup.procs") == other
    cgvm.out(f"kill {other}")


@pytest.mark.parametrize("before, why", [
    ("cg in {base}", "was not given to podinit"),
    ("cg in {base} cg read-only", "is read-only"),
    ("chown -R 1000 {base}; " + OTHER + "cg in {base} cg as 1000",
     "has other processes in it, and no Delegate="),
    ("cg in /sys/fs/cgroup/podinit", "was not given to podinit")],
    ids=["nobody's", "read-only", "shared", "podinit's own"])
def test_what_was_not_given_is_left_alone(nest, cgvm, before, why):
    one = nest.start(LIMITED, options="", before=before)
    one.pid("web")
    lines = [line for line in one.log().splitlines() if "is not enforced" in line]
    assert len(lines) == 1
    assert lines[0].startswith("podinit: resources.limits.memory of web is not enforced: "
                               "no cgroup is delegated (/sys/fs/cgroup")
    assert why in lines[0]
    if "{base}" in before:
        assert state(cgvm, one.base).count("/") == 0
    for pid in running(cgvm, "sleep 1001"):
        cgvm.out(f"kill {pid}")


def test_a_cgroup_of_another_user_does_for_root(nest, cgvm):
    """Though podinit keeps only the capabilities that it needs."""
    none = "resources.limits.memory = 64Mi\nsecurityContext.capabilities.drop = ALL\n"
    one = nest.start(pod(f"web: {SLEEP}", web=none), options=f"--cgroup {ROOT}/theirs",
                     before=f"mkdir {ROOT}/theirs && chown -R 1000 {ROOT}/theirs &&")
    one.pid("web")
    one.stop()
    assert cgvm.run(f"ls -d {ROOT}/theirs/*/").out == ""
    cgvm.out(f"rmdir {ROOT}/theirs")


def test_every_limit_that_does_not_hold_is_said_once_with_its_processes(nest):
    limits = "resources.limits.cpu = 1\nresources.requests.cpu = 1\nresources.limits.memory = 9Mi\n" \
        "resources.limits.pids = 9\nioWeight = 9\n"
    one = nest.run(pod("web: true", "db: true", "other: true", web=limits, db=limits,
                       pod="resources.limits.cpu = 3\n"), options="--cgroup none")
    why = "is not enforced: no cgroup is delegated (--cgroup none)"
    for key in ("requests.cpu", "limits.memory", "limits.pids"):
        assert one.log().count(f"resources.{key} of web, db {why}\n") == 1
    assert one.log().count(f"resources.limits.cpu of the pod, web, db {why}\n") == 1
    assert one.log().count(f"ioWeight of web, db {why}\n") == 1


def test_an_entrypoints_program_stays_where_it_is(cgvm):
    look = "podinit --no-control {} -- cat /proc/self/cgroup 2>/dev/null"
    cgvm.out(f"mkdir {ROOT}/e && cg mark {ROOT}/e")
    assert cgvm.out(f"cg in {ROOT}/e " + look.format("")) == "0::/e"
    assert cgvm.out(look.format(f"--cgroup {ROOT}/e")) == "0::/e/pod/cat"
    cgvm.out(f"rmdir {ROOT}/e")


def test_a_sandbox_is_in_cgroups_too(nest, cgvm):
    one = nest.start(pod("hog: cg hog 200", f"db: {SLEEP}", hog="resources.limits.memory = 32Mi\n"),
                     options=f"--sandbox --cgroup {ROOT}/sandboxed")
    one.event(reason="OOMKilled", process="hog")
    assert len(cgvm.out(f"cat {ROOT}/sandboxed/podinit/cgroup.procs").split()) == 2
    assert len(cgvm.out(f"cat {ROOT}/sandboxed/pod/db/cgroup.procs").split()) == 1
    one.stop()
    assert cgvm.run(f"ls {ROOT}/sandboxed").code != 0


def test_a_sandbox_with_users_of_its_own_is_in_cgroups_too(nest, cgvm):
    one = nest.start(pod("hog: cg hog 200", f"db: {SLEEP}", pod="hostUsers = false\n",
                         hog="resources.limits.memory = 32Mi\n"),
                     options=f"--sandbox --cgroup {ROOT}/users", before=f"mkdir {ROOT}/users &&")
    one.event(reason="OOMKilled", process="hog")
    assert len(cgvm.out(f"cat {ROOT}/users/pod/db/cgroup.procs").split()) == 1
    assert "enforced" not in one.log()
    one.stop()
    assert cgvm.out(f"stat -c %u {ROOT}/users/cgroup.procs") == "0"
    assert cgvm.run(f"ls -d {ROOT}/users/*/").out == ""
    cgvm.out(f"rmdir {ROOT}/users")


# --- memory that runs out where nothing is delegated ---

CONTAINER = "echo 64M >{base}/memory.max && cg in {base}"


def test_in_the_containers_own_counters_a_kill_is_seen(nest, cgvm):
    one = nest.start(pod("hog: cg hog 200", f"db: {SLEEP}", policy="Always"), options="--cgroup none",
                     before=CONTAINER)
    one.event(2, reason="OOMKilled", process="hog")
    status = one.container("hog")
    assert status["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert one.container("db")["restartCount"] == 0
    cgvm.out(f"sleep 1.1; kill -9 {one.pid('db')}")
    assert one.event(reason="Error", process="db")["exitCode"] == 137
    assert not one.events(reason="OOMKilled", process="db")
    assert "memory.oom.group" not in one.log()


def test_in_the_counters_of_version_1_too(boot, tmp_path):
    machine = boot.machine(files=programs(tmp_path),
                           cmdline="-- --cgroup none -c /etc/podinit/pod.ini")
    machine.out("mkdir /v1 && mount -t cgroup -o memory none /v1 && mkdir /v1/c && "
                "echo 64M >/v1/c/memory.limit_in_bytes")
    nest = Nest(machine)
    one = nest.start(pod("hog: cg hog 200", f"db: {SLEEP}"), options="", before="cg in /v1/c")
    one.event(reason="OOMKilled", process="hog")
    machine.out(f"sleep 1.1; kill -9 {one.pid('db')}")
    one.event(reason="Error", process="db")
    nest.finish()


def test_an_entrypoint_that_is_killed_says_why(nest, cgvm):
    base = f"{ROOT}/killed"
    cgvm.out(f"mkdir {base} && echo 32M >{base}/memory.max")
    answer = cgvm.run(f"cg in {base} podinit --no-control -- cg hog 200")
    assert answer.code == 137
    assert "memory ended" in answer.err
    cgvm.out(f"rmdir {base}")


def test_that_one_kill_will_end_the_container_is_said_before(nest):
    group = "echo 1 >{base}/memory.oom.group && cg in {base}"
    warning = "podinit: memory.oom.group is 1 in "
    several = nest.run(pod("web: true", "db: true"), options="--cgroup none", before=group)
    restarts = nest.run(pod("web: true", policy="OnFailure"), options="--cgroup none", before=group)
    single = nest.run(pod("web: true"), options="--cgroup none", before=group)
    limited = nest.run(pod("web: true", "db: true", pod="resources.limits.memory = 1Gi\n"),
                       options="", before="cg mark {base} && " + group)
    assert [one.log().count(warning) for one in (several, restarts, single, limited)] == [1, 1, 0, 0]
