"""seccompProfile, appArmorProfile, seLinuxOptions: what a pod asks for, on processes of a real pod. What the
filters say is test_seccomp.py's and test_podconv.py's."""

import json
import os
import pathlib
import subprocess

import pytest

from pods import HELPER, PLAIN, PODCONV, SANDBOX, UNSHARE, never
from truth import ready_pod, start_error, status

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
NO_GAIN = "securityContext.allowPrivilegeEscalation = false\n"
TYPE = "securityContext.seccompProfile.type = "
DEFAULT = f"{TYPE}RuntimeDefault\n"


def local(path):
    return f"{TYPE}Localhost\nsecurityContext.seccompProfile.localhostProfile = {path}\n"


@pytest.fixture
def no_mkdir(tmp_path):
    """A filter, as podconv makes it, that refuses to make directories with errno 99."""
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}]}))
    subprocess.run([PODCONV, "--from", "seccomp", "--to", "bpf", "-o", tmp_path / "no-mkdir", path], check=True)
    return tmp_path / "no-mkdir"


def filters(pid):
    shown = status(pid)
    return int(shown["Seccomp"]), int(shown["Seccomp_filters"])


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE, PLAIN])
@pytest.mark.parametrize("more", ["", NO_GAIN, "securityContext.runAsUser = nobody\n",
                                  NO_GAIN + "securityContext.runAsUser = nobody\n"],
                         ids=["root", "root-late", "user", "user-late"])
def test_the_runtimes_default(pods, how, more):
    pod, pid = ready_pod(pods, DEFAULT + more, how=how)
    assert filters(pid) == (2, 1)
    assert filters(pod.inner)[1] == filters("self")[1]


@pytest.mark.parametrize("lines, pod, count", [
    ("", "", 0), (f"{TYPE}Unconfined\n", "", 0), ("", DEFAULT, 1), (f"{TYPE}Unconfined\n", DEFAULT, 0),
    (DEFAULT, f"{TYPE}Unconfined\n", 1)])
def test_the_pods_and_the_processs_own(pods, lines, pod, count):
    _, pid = ready_pod(pods, lines, pod=pod)
    assert filters(pid) == (2 if count else 0, count)


@pytest.mark.parametrize("lines, refused", [
    (DEFAULT, True), (DEFAULT + "securityContext.capabilities.add = SYS_ADMIN\n", False),
    (f"{TYPE}Unconfined\nsecurityContext.capabilities.add = SYS_ADMIN\n", False)])
def test_the_default_allows_what_its_capabilities_are_for(pods, lines, refused):
    result = pods.run(never("web: unshare --mount true") + lines)
    assert (result.code != 0) == refused
    assert ("Operation not permitted" in result.output) == refused


@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
@pytest.mark.parametrize("more", ["", NO_GAIN, NO_GAIN + "securityContext.runAsUser = nobody\n"])
def test_a_profile_of_ones_own(pods, open_directory, no_mkdir, how, more):
    result = pods.run(never(f"web: mkdir {open_directory}/x") + local(no_mkdir) + more, how=how)
    assert result.code == 1
    assert os.strerror(99) in result.output


def test_a_profile_of_the_pod_and_a_relative_path(pods, no_mkdir):
    directory = pods.make_directory()
    (directory / "filter").write_bytes(no_mkdir.read_bytes())
    ini = never("web: mkdir /tmp/never", f"two: {HELPER} polite two 0 0").replace("[main web]", local("filter") +
                                                                                   "[main web]")
    (directory / "pod.ini").write_text(ini + DEFAULT)
    pod = pods.with_arguments("--sandbox", "-c", directory / "pod.ini", how=PLAIN, events=False)
    pod.says(os.strerror(99))
    pod.says("two is ready")
    pod.stop()


def corrupt(data, kind):
    return {"empty": b"", "short": data[:-3], "long": data + b"x", "json": b"{}", "magic": b"X" + data[1:],
            "garbage": os.urandom(4096)}[kind]


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "empty", "short", "long", "json", "magic",
                                  "garbage"])
@pytest.mark.parametrize("level", ["pod", "process"])
def test_a_file_that_is_no_filter_starts_nothing(pods, no_mkdir, tmp_path, kind, level):
    path = tmp_path / "bad"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind != "missing":
        path.write_bytes(corrupt(no_mkdir.read_bytes(), kind))
    ini = never(f"first: touch {tmp_path}/started", "web: true")
    ini = ini + local(path) if level == "process" else ini.replace("[main first]", local(path) + "[main first]")
    result = pods.run(ini)
    assert result.code == 125, result.output
    assert "main web: securityContext.seccompProfile: " in result.output
    assert str(path) in result.output
    assert not (tmp_path / "started").exists()


def test_without_the_right_to_it_only_who_gains_nothing_is_filtered(open_pods):
    start_error(open_pods, DEFAULT, "cannot install its seccompProfile (which takes SYS_ADMIN of podinit, or "
                "allowPrivilegeEscalation = false): Permission denied", how=PLAIN,
                prefix=NOBODY)
    _, pid = ready_pod(open_pods, DEFAULT + NO_GAIN, how=PLAIN, prefix=NOBODY)
    assert filters(pid) == (2, 1)


def test_a_thousand_processes_share_a_filter_and_restarts_have_one(pods):
    pod = pods.start("[pod]\nrestartPolicy = Always\n" + DEFAULT +
                     "[main web]\ncommand = grep Seccomp_filters /proc/self/status\nbackoff.initialSeconds = 0\n")
    pod.event(reason="Completed", count=5)
    lines = {line for line in pod.output().splitlines() if line.startswith("Seccomp_filters")}
    assert lines == {"Seccomp_filters:\t1"}
    pod.stop()


def test_an_entrypoint_has_none(pods):
    result = pods.run_program("grep", "Seccomp_filters", "/proc/self/status")
    assert "Seccomp_filters:\t0" in result.output


# --- labels, where the kernel has no module for them ---


def kernel_has(name):
    path = pathlib.Path("/sys/kernel/security/lsm")
    return path.exists() and name in path.read_text().split(",")


APPARMOR = "securityContext.appArmorProfile."
no_apparmor = pytest.mark.skipif(kernel_has("apparmor"), reason="this kernel has AppArmor")
no_selinux = pytest.mark.skipif(kernel_has("selinux"), reason="this kernel has SELinux")


@no_apparmor
@pytest.mark.parametrize("lines", [f"{APPARMOR}type = RuntimeDefault\n",
                                   f"{APPARMOR}type = Localhost\n{APPARMOR}localhostProfile = mine\n"],
                         ids=["default", "localhost"])
@pytest.mark.parametrize("level", ["pod", "process"])
def test_apparmor_where_there_is_none(pods, lines, level):
    name = " mine" if "mine" in lines else ""
    start_error(pods, lines if level == "process" else "",
                f"cannot set its appArmorProfile{name}: Operation not supported",
                pod=lines if level == "pod" else "")


@no_apparmor
def test_no_apparmor_is_no_error_where_there_is_none(pods):
    ready_pod(pods, f"{APPARMOR}type = Unconfined\n")
    ready_pod(pods, f"{APPARMOR}type = Unconfined\n", pod=f"{APPARMOR}type = RuntimeDefault\n")


@no_selinux
@pytest.mark.parametrize("field, value", [("user", "system_u"), ("role", "system_r"), ("type", "container_t"),
                                          ("level", "s0:c1,c2")])
@pytest.mark.parametrize("level", ["pod", "process"])
def test_selinux_where_there_is_none(pods, field, value, level):
    line = f"securityContext.seLinuxOptions.{field} = {value}\n"
    start_error(pods, line if level == "process" else "", "cannot set its seLinuxOptions: Operation not supported",
                pod=line if level == "pod" else "")
