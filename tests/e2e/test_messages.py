"""Termination messages: a fresh file for every instance, and what was in it in the PodStatus."""

import json
import os
import shutil

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, never, until
from test_rootfs import NOBODY, make_root

WAYS = [SANDBOX, UNSHARE, PLAIN]
LONG = "sidecar keep"  # holds the pod up while its status is asked


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_root(tmp_path_factory.mktemp("template") / "root")


@pytest.fixture
def script(pods):
    """Writes a shell script and returns its path."""
    def write(text, name="script"):
        path = pods.directory / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path
    return write


def pod_of(command, path, more=""):
    """One main that ends, and another that stays, so that the status can be asked."""
    return never(f"one: {command}") + f"terminationMessagePath = {path}\n{more}" \
        "[main stay]\ncommand = sleep 1000\n"


def ended(pod, name="one"):
    pod.event(reason="Started", process=name)
    until(lambda: "terminated" in pod.container(name)["state"], f"{name} has ended")
    return pod.container(name)["state"]["terminated"]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("code", [0, 3])
def test_what_a_process_leaves_is_in_the_status(pods, script, how, code):
    path = pods.directory / "message"
    program = script(f"stat -c '%a %s' {path}; grep -c ' {path} ' /proc/self/mountinfo\n"
                     f"printf 'so \"long\"\\n' > {path}; exit {code}")
    pod = pods.start(pod_of(program, path), how=how, control=True)
    end = ended(pod)
    assert (end["exitCode"], end["message"]) == (code, 'so "long"\n')
    assert "\n666 0\n1\n" in pod.output()  # fresh, everyone's, and a mount
    assert "message" not in json.dumps(pod.container("stay"))
    pod.stop()
    assert not path.exists()  # the mount point was podinit's


@pytest.mark.parametrize("how", WAYS)
def test_a_process_with_a_root_has_the_file_that_kubernetes_has(pods, template, how):
    root = shutil.copytree(template, pods.directory / "root")
    ini = never("one: sh -c 'echo gone > /dev/termination-log; exit 1'") + f"rootfs = {root}\n" \
        "[main stay]\ncommand = sleep 1000\n"
    pod = pods.start(ini, how=how, control=True)
    assert ended(pod)["message"] == "gone\n"
    pod.stop()
    assert not (root / "dev/termination-log").exists()


def test_each_instance_begins_with_an_empty_file_and_the_last_two_ends_are_kept(pods, script):
    path, runs = pods.directory / "message", pods.directory / "runs"
    program = script(f"echo >> {runs}; n=$(wc -l < {runs}); test -s {path} && exit 9\n"
                     f"test $n != 3 && echo end $n > {path}; chmod 000 {path}; test $n -lt 5")
    ini = pod_of(program, path, "restartPolicy = OnFailure\nbackoff.initialSeconds = 0\n"
                 "backoff.maxSeconds = 0\nrestartPolicyRules = Restart NotIn 1\n")
    pod = pods.start(ini, control=True)
    end = until(lambda: pod.events(reason="Error", process="one"), "the last end")[0]
    assert end["exitCode"] == 1
    until(lambda: pod.container("one")["restartCount"] >= 4, "four restarts")
    one = pod.container("one")
    messages = [one[state].get("terminated", {}).get("message") for state in ("state", "lastState")]
    assert "end 5\n" in messages or "end 6\n" in messages
    assert messages.count(None) <= 1


def test_an_instance_that_could_not_start_has_no_old_message(pods, script):
    path, program = pods.directory / "message", script("rm $0; echo first > $1; exit 1")
    ini = pod_of(f"{program} {path}", path, "restartPolicy = Always\nbackoff.initialSeconds = 50ms\n"
                 "backoff.maxSeconds = 600\n")
    pod = pods.start(ini, control=True)
    pod.event(reason="StartError", process="one")
    last = pod.container("one")["lastState"]["terminated"]
    assert last["reason"] == "StartError" and "cannot execute" in last["message"]


@pytest.mark.parametrize("processes", [2, 12])
def test_only_the_end_counts_and_the_pod_shares_12_kib(pods, script, processes):
    path = pods.directory / "message"
    program = script(f"head -c 60000 /dev/zero | tr '\\0' x > {path}; echo end >> {path}")
    others = "".join(f"[main m{n}]\ncommand = sleep 1000\n" for n in range(processes - 2))
    pod = pods.start(pod_of(program, path) + others, control=True)
    message = ended(pod)["message"]
    assert len(message) == min(4096, 12288 // processes)
    assert message.endswith("xend\n")


def test_any_bytes_become_valid_json(pods, script):
    path = pods.directory / "message"
    # Two thousand euro signs, cut in the middle of one; then what is no text at all.
    program = script(f"yes $(printf '\\342\\202\\254') | head -n 2000 | tr -d '\\n' > {path}\n"
                     f"printf 'a\\000b\\377\\001\\033' >> {path}")
    pod = pods.start(pod_of(program, path), control=True)
    message = ended(pod)["message"]
    assert message.lstrip("€") == "a\ufffdb\ufffd\x01\x1b"
    assert message[0] == "€"


def test_the_worst_message_of_every_process_fits_the_status(pods, script):
    path = pods.directory / "message"
    program = script(f"head -c 5000 /dev/zero | tr '\\0' '\\1' > {path}; exit 1")
    more = "restartPolicy = OnFailure\nbackoff.initialSeconds = 0\nbackoff.maxSeconds = 0\n"
    pod = pods.start(pod_of(program, path, more), control=True)
    until(lambda: pod.container("one")["restartCount"] > 2, "it runs again and again")
    for _ in range(20):
        for state in pod.container("one").values():
            if isinstance(state, dict) and "terminated" in state:
                assert state["terminated"]["message"] == "\1" * 4096


@pytest.mark.parametrize("trick", [
    "rm -f $1; echo 'rm: yes'", "ln -sf /etc/passwd $1", "mv $1 $1.away", "truncate -s 1T $1"])
def test_a_process_can_write_the_file_but_not_replace_it(pods, script, trick):
    path = pods.directory / "message"
    program = script(f"{trick}\nexit 4")
    pod = pods.start(pod_of(f"{program} {path}", path), control=True)
    end = ended(pod)
    assert end["exitCode"] == 4
    assert "root:" not in end.get("message", "")
    assert pod.stop() != 0


def test_a_process_that_keeps_the_file_open_does_no_harm(pods, script):
    path = pods.directory / "message"
    program = script(f"exec 5> {path}; echo now >&5; (setsid sleep 1000 >&5 & ) ; exit 2")
    pod = pods.start(pod_of(program, path), control=True)
    assert ended(pod)["message"] == "now\n"
    pod.stop()
    assert not pod.survivors()


def test_messages_work_for_a_user_without_privileges(open_pods, template):
    root = shutil.copytree(template, open_pods.directory / "root")
    for path in [root, *root.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    ini = never("one: sh -c 'echo gone > /dev/termination-log; exit 1'") + f"rootfs = {root}\n" \
        "[main stay]\ncommand = sleep 1000\n"
    pod = open_pods.start(ini, prefix=NOBODY, control=True)
    pod.event(reason="Error", process="one")
    answer = pod.podctl("status", "-o", "json", prefix=NOBODY)
    assert '"message":"gone\\n"' in answer.stdout.replace(": ", ":")
    pod.stop()


def test_nothing_is_left_of_the_files(pods, script):
    path = pods.directory / "message"
    pod = pods.start(pod_of(script(f"echo x > {path}"), path), how=PLAIN, control=True)
    ended(pod)
    held = [os.readlink(f"/proc/{pod.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pod.pid}/fd")]
    files = next(name for name in held if "/.messages/" in name).rpartition("/")[0]
    assert files in open("/proc/self/mounts").read()
    pod.stop()
    assert files not in open("/proc/self/mounts").read()
    assert not os.path.exists(os.path.dirname(files))
