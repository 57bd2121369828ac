"""cgroups on the machine of the tests, which gave podinit none: it leaves all of them alone. What it does
with those that it was given is in tests/vm."""

import pathlib

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, never, podinit, read

LIMITED = never("web: true", "db: true").replace(
    "command = true\n", "command = true\nresources.limits.memory = 64Mi\nresources.limits.pids = 20\n")


def tree():
    """Every cgroup of version 2, and what is enabled for those below it."""
    lines = [line.split() for line in read("/proc/self/mountinfo").splitlines()]
    roots = [line[4] for line in lines if line[line.index("-") + 1] == "cgroup2"]
    return {str(file): file.read_text() for root in roots
            for file in pathlib.Path(root).rglob("cgroup.subtree_control")}


@pytest.mark.parametrize("how", [PLAIN, UNSHARE, SANDBOX])
def test_a_cgroup_that_was_not_given_is_left_alone_and_that_is_said_once(pods, how):
    before = tree()
    pod = pods.start(LIMITED.replace("true\n", "sleep 1000\n"), how=how)
    pod.running("web", "db")
    assert tree() == before
    assert read(f"/proc/{pod.processes()[0]}/cgroup") == read("/proc/self/cgroup")
    pod.stop()
    for key in ("memory", "pids"):
        assert pod.output().count(f"resources.limits.{key} of web, db is not enforced: "
                                  "no cgroup is delegated (") == 1
    assert tree() == before


def test_what_limits_nothing_says_nothing(pods):
    assert "enforced" not in pods.run(never("web: true"), how=PLAIN).output


def test_none_is_none(pods):
    said = pods.run(LIMITED, how=PLAIN, options=["--cgroup", "none"]).output
    assert "no cgroup is delegated (--cgroup none)" in said


def test_a_directory_that_is_no_cgroup_is_a_problem(pods, tmp_path):
    for path in (tmp_path, tmp_path / "new", "/nowhere/at/all"):
        result = pods.run(LIMITED, how=PLAIN, options=["--cgroup", path])
        assert result.code == 125
        assert f"--cgroup {path}: " in result.output
        assert not result.events
    assert not (tmp_path / "new").exists()


def test_a_kill_that_is_not_the_kernels_is_an_error(pods):
    result = pods.run(never("web: sh -c 'kill -9 $$'"), how=PLAIN)
    assert [event["reason"] for event in result.events if event.get("process") == "web"] == \
        ["Started", "Error"]


def test_an_option_needs_its_argument():
    assert "--cgroup needs an argument: PATH|none" in podinit("--cgroup").stderr
