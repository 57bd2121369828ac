"""What a process of the pod is born with: environment, descriptors, session, signals, directory."""

import os
import subprocess

import pytest

from pods import HELPER, PLAIN, SANDBOX, UNSHARE, never

WAYS = [SANDBOX, UNSHARE, PLAIN]
VIEWS = ["", "volumeMounts = v:/mnt\n[volume v]\nemptyDir =\n"]


def output_of(pods, command, more="", how=SANDBOX, **popen):
    pod = pods.start(never(f"one: {command}") + more, how=how, **popen)
    pod.wait()
    return pod.out.read_text()


def test_env_adds_to_podinits_environment_and_overrides_it(pods):
    text = output_of(pods, "env", "env = NEW=new\nenv = OLD=changed\nenv = EMPTY=\nenv = NEW=newer\n",
                     env={**os.environ, "OLD": "old", "KEPT": "kept"})
    lines = text.splitlines()
    assert {"NEW=newer", "OLD=changed", "EMPTY=", "KEPT=kept"} <= set(lines)
    names = [line.partition("=")[0] for line in lines]
    assert len(names) == len(set(names))


def test_variables_expand_in_env_command_and_args_as_in_kubernetes(pods):
    more = "args = $(B) $$(B) $(NOPE) '$(A) x' $(HOME)\nenv = A=one two\nenv = B=<$(A)>\n" \
        "env = C=$(D)\nenv = D=late\n"
    text = output_of(pods, "/usr/bin/printf '[%s]' $(C)", more, env={**os.environ, "HOME": "/root"})
    assert text == "[$(D)][<one two>][$(B)][$(NOPE)][one two x][$(HOME)]"


@pytest.mark.parametrize("more", VIEWS, ids=["plain", "view"])
@pytest.mark.parametrize("how", WAYS)
def test_a_process_is_born_clean(pods, how, more):
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    os.set_inheritable(writer, True)
    # podinit is started with signals ignored and blocked, and with descriptors that it is not meant
    # to hand on.
    text = output_of(pods, f"{HELPER} report", more, how,
                     prefix=[HELPER, "odd", 1, 2, 13, 15, 17, 34, "--"], pass_fds=[reader, writer])
    os.close(reader)
    os.close(writer)
    assert text == "blocked:\nnot default:\ndescriptors: 0 1 2\nsession: 1\ngroup: 1\nend of report\n"


@pytest.mark.parametrize("how", WAYS)
def test_an_entrypoint_inherits_what_podinit_was_started_with_like_any_exec(pods, how):
    pod = pods.program(HELPER, "report", how=how, prefix=[HELPER, "odd", 1, 40, "--"])
    pod.wait()
    assert pod.out.read_text().startswith("blocked: 1 40\nnot default: 1 40\ndescriptors: 0 1 2\n")


@pytest.mark.parametrize("more", VIEWS, ids=["plain", "view"])
def test_standard_input_of_a_pod_is_empty(pods, more):
    reader, writer = os.pipe()
    os.write(writer, b"for nobody\n")
    assert output_of(pods, "sh -c 'cat; echo end'", more, stdin=reader) == "end\n"
    assert os.read(reader, 100) == b"for nobody\n"
    os.close(reader)
    os.close(writer)


def test_standard_input_of_an_entrypoint_is_podinits(pods):
    reader, writer = os.pipe()
    os.write(writer, b"for cat\n")
    os.close(writer)
    pod = pods.program("cat", stdin=reader)
    assert pod.wait() == 0
    assert pod.out.read_text() == "for cat\n"
    os.close(reader)


def test_a_pod_starts_in_the_root_and_an_entrypoint_where_podinit_was_started(pods):
    assert output_of(pods, "readlink /proc/self/cwd", cwd="/usr") == "/\n"
    assert output_of(pods, "readlink /proc/self/cwd", "workingDir = /etc\n", cwd="/usr") == "/etc\n"
    pod = pods.program("readlink", "/proc/self/cwd", cwd="/usr")
    pod.wait()
    assert pod.out.read_text() == "/usr\n"


def test_podinits_own_raised_limits_are_not_handed_on(pods):
    prefix = ["sh", "-c", 'ulimit -S -n 123; exec "$0" "$@"']
    assert output_of(pods, "sh -c 'ulimit -n'", prefix=prefix) == "123\n"
    assert output_of(pods, "sh -c 'ulimit -n'", VIEWS[1], prefix=prefix) == "123\n"


@pytest.mark.parametrize("closed", ["0", "1", "2", "012"])
def test_podinit_runs_with_standard_descriptors_closed(pods, closed):
    shell = "exec \"$0\" \"$@\" " + " ".join(f"{fd}>&-" for fd in closed)
    pod = pods.start(never("one: sh -c 'exit 5'") + VIEWS[1], prefix=["sh", "-c", shell])
    assert pod.wait() == 5
    # No event has gone into whatever took the place of a standard descriptor.
    assert [event["exitCode"] for event in pod.events(reason="Error")] == [5]


def test_the_umask_is_podinits(pods):
    prefix = ["sh", "-c", 'umask 027; exec "$0" "$@"']
    assert output_of(pods, "sh -c umask", prefix=prefix) == "0027\n"


def test_the_sessions_of_two_processes_differ(pods):
    pod = pods.start(never("one: sleep 1000", "two: sleep 1000"))
    pod.running("two")
    sessions = {subprocess.run(["ps", "-o", "sid=", "-p", str(pid)], capture_output=True, text=True)
                .stdout.strip() for pid in pod.processes()}
    assert len(sessions) == 2
