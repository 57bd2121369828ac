"""/etc/hosts and the host name, as the pod's processes find them."""

import os
import pathlib
import signal
import socket

import pytest

from pods import PLAIN, never, read
from test_namespaces import mounts, pod_of
from test_sandbox import NOBODY, anyone  # noqa: F401 (anyone is a fixture)

MANAGED = """# podinit-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""
ALIASES = "hostAliases = 10.1.2.3 db  db.example\nhostAliases = fd00::1 six"
ALIAS_LINES = "\n# Entries added by hostAliases.\n10.1.2.3\tdb\tdb.example\nfd00::1\tsix\n"


# In names that are looked for on the machine: other tests may run at the same time.
MINE = f"of-{os.getpid()}"


def left_behind(text):
    """Files outside a sandbox's own /etc/hosts, where there is one."""
    return [path for place in ("/run", "/tmp", "/var/tmp", "/dev/shm")
            for path in pathlib.Path(place).glob("podinit-hosts-*") if text in read(path)]


@pytest.mark.parametrize("keys, own_line, aliases", [
    ("", "127.0.0.1\ttest\n", ""),
    ("hostname = web", "127.0.0.1\tweb\n", ""),
    ("hostname = web\nsubdomain = shop", "127.0.0.1\tweb.shop\tweb\n", ""),
    ("subdomain = shop\n" + ALIASES, "127.0.0.1\ttest.shop\ttest\n", ALIAS_LINES),
    ("hostUsers = false", "127.0.0.1\ttest\n", ""),
    ("hostPID = true", "127.0.0.1\ttest\n", ""),
])
def test_a_sandbox_has_its_own_names(anyone, keys, own_line, aliases):
    before = read("/etc/hosts")
    pod = anyone(pod_of(keys, "one: sh -c 'cat /etc/hosts; hostname; echo end'"))
    assert pod.wait() == 0
    name = "web" if "web" in keys else "test"
    assert pod.output().startswith(f"\n{MANAGED}{own_line}{aliases}{name}\nend\n")
    assert read("/etc/hosts") == before and socket.gethostname() != name


def test_names_resolve(open_pods):
    program = "import socket; print([socket.gethostbyname(name) for name in " \
        "(\"db\", \"test\", \"test.shop\", \"localhost\")], " \
        "socket.getaddrinfo(\"test\", 0, flags=socket.AI_CANONNAME)[0][3])"
    result = open_pods.run(pod_of(ALIASES + "\nsubdomain = shop", f"one: /usr/bin/python3 -c '{program}'"))
    assert "['10.1.2.3', '127.0.0.1', '127.0.0.1', '127.0.0.1'] test.shop\n" in result.output


def test_the_program_of_an_entrypoint_has_them_too(open_pods):
    for prefix in ([], NOBODY):
        result = open_pods.run_program("cat", "/etc/hosts", prefix=prefix)
        assert result.output.startswith(f"\n{MANAGED}127.0.0.1\tcat\n")


@pytest.mark.parametrize("keys, options", [("hostNetwork = true", []), ("", ["--net", "host"])])
def test_with_the_machines_network_the_names_are_the_machines(anyone, keys, options):
    pod = anyone(pod_of(keys, "one: sh -c 'cat /etc/hosts; sleep 1000'"), options=options)
    pod.running("one")
    assert "/etc/hosts" not in mounts(pod.inner)
    pod = anyone(pod_of(f"{keys}\n{ALIASES}", "one: cat /etc/hosts"), options=options)
    assert pod.wait() == 0
    header = "# podinit-managed hosts file (host network).\n"
    assert pod.output().startswith(f"\n{header}{read('/etc/hosts')}{ALIAS_LINES}")


def test_a_joined_network_is_the_pods(pods):
    result = pods.run(never("one: cat /etc/hosts"), options=["--join-net", "/proc/self/ns/net"])
    assert result.output.startswith(f"\n{MANAGED}127.0.0.1\ttest\n")


def test_every_process_of_the_pod_sees_the_same_file(pods):
    pod = pods.start(pod_of("", "one: sh -c 'echo 10.9.9.9 later >>/etc/hosts; echo written; sleep 1000'",
                            "two: sh -c 'until grep later /etc/hosts; do sleep 0.01; done'"))
    pod.says("\n10.9.9.9 later\n")
    assert "later" not in read("/etc/hosts")


def test_nothing_is_left_even_of_a_killed_pod(open_pods):
    for prefix in ([], NOBODY):
        pod = open_pods.start(pod_of(f"hostAliases = 10.7.7.7 killed-pod-{MINE}", "one: sleep 1000"), prefix=prefix)
        pod.running("one")
        assert "killed-pod" in read(f"/proc/{pod.inner}/root/etc/hosts")
        os.kill(pod.inner, signal.SIGKILL)
        pod.wait()
        assert not left_behind(f"killed-pod-{MINE}")


def test_where_there_is_no_etc_hosts_it_is_made_elsewhere_and_removed(pods):
    """For processes with a root of their own; nothing appears in /etc."""
    pod = pods.start(pod_of(f"hostAliases = 10.7.7.7 no-etc-{MINE}", "one: sleep 1000"), prefix=[
        "unshare", "--mount", "sh", "-c", "mount -t tmpfs none /etc && exec \"$@\"", "sh"])
    pod.running("one")
    assert not os.path.exists(f"/proc/{pod.inner}/root/etc/hosts")
    [path] = left_behind(f"no-etc-{MINE}")
    assert path.stat().st_mode & 0o777 == 0o644
    assert read(path).startswith(MANAGED)
    assert pod.stop() == 143
    assert not left_behind(f"no-etc-{MINE}")


def test_outside_a_sandbox_aliases_come_behind_what_is_there(pods):
    pod = pods.start(pod_of(f"hostAliases = 10.7.7.7 outside-{MINE}", "one: sleep 1000"), how=PLAIN)
    pod.running("one")
    [path] = left_behind(f"outside-{MINE}")
    assert read(path) == "# podinit-managed hosts file (host network).\n" + read("/etc/hosts") + \
        "\n# Entries added by hostAliases.\n10.7.7.7\toutside-" + MINE + "\n"
    pod.stop()
    assert not left_behind(f"outside-{MINE}")


def test_outside_a_sandbox_the_host_name_stays(pods):
    name = socket.gethostname()
    result = pods.run(pod_of("hostname = other", "one: hostname"), how=PLAIN)
    assert result.output.startswith(f"\n{name}\n")
    assert result.output.count("hostname: stays " + name) == 1
    assert socket.gethostname() == name
    # Nothing is said where it is that name already.
    result = pods.run(pod_of("hostname = same", "one: hostname"), how=PLAIN,
                      prefix=["unshare", "--uts", "sh", "-c", "hostname same; exec \"$@\"", "sh"])
    assert result.output.startswith("\nsame\n") and "stays" not in result.output


@pytest.mark.parametrize("key", ["hostname", "subdomain"])
def test_a_name_that_is_none_is_refused(pods, key):
    result = pods.run(pod_of(f"{key} = Not_A_Label", "one: true"))
    assert result.code == 125
    assert f"pod: {key}: 'Not_A_Label' is not a DNS label" in result.output
