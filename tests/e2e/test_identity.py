"""User and groups of a process: what securityContext says, and what /proc/PID/status then shows."""

import os
import shutil

import pytest

from pods import HELPER, PLAIN, SANDBOX, UNSHARE, never, until
from test_rootfs import make_root
from truth import GROUP, PASSWD, ids, ready_pod, start_error, status

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
WAYS = [SANDBOX, UNSHARE, PLAIN]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = make_root(tmp_path_factory.mktemp("template") / "root")
    shutil.copy(HELPER, root / "bin/helper")
    (root / "etc").mkdir()
    return root


@pytest.fixture
def root(template, tmp_path):
    """A root file system with users of its own."""
    root = shutil.copytree(template, tmp_path / "root")
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text(GROUP)
    return root


def in_root(pods, root, lines, pod="", **how):
    """User and groups of a process with this root."""
    ini = never("web: /bin/helper polite web 0 0").replace("[main", f"{pod}\n[main")
    started = pods.start(f"{ini}rootfs = {root}\n{lines}", **how)
    started.says("web is ready")
    (pid,) = started.processes()
    return ids(pid)


def user(name):
    return f"securityContext.runAsUser = {name}\n"


def group(name):
    return f"securityContext.runAsGroup = {name}\n"


def groups(*names):
    return f"securityContext.supplementalGroups = {','.join(map(str, names))}\n"


STRICT = "securityContext.supplementalGroupsPolicy = Strict\n"
NON_ROOT = "securityContext.runAsNonRoot = true\n"


# --- which user ---


@pytest.mark.parametrize("how", WAYS)
def test_nothing_said_is_podinits_user_and_groups(pods, how):
    _, pid = ready_pod(pods, how=how, prefix=["setpriv", "--groups=7,8"] if how != UNSHARE else [])
    assert ids(pid)[:2] == (0, 0)
    if how != UNSHARE:
        assert ids(pid)[2] == [7, 8]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", ["65534", "nobody"])
def test_a_user_of_podinits_own_root(pods, how, name):
    _, pid = ready_pod(pods, user(name), how=how)
    assert ids(pid) == (65534, 65534, [])


def test_a_number_that_no_file_knows_has_group_0_and_no_other(pods):
    _, pid = ready_pod(pods, user(54321))
    assert ids(pid) == (54321, 0, [])


def test_a_process_overrides_what_the_pod_says(pods):
    both = user(1001) + group(1002)
    _, pid = ready_pod(pods, pod=both)
    assert ids(pid) == (1001, 1002, [])
    _, pid = ready_pod(pods, user(1003), pod=both)
    assert ids(pid) == (1003, 1002, [])
    _, pid = ready_pod(pods, group(1004), pod=both)
    assert ids(pid) == (1001, 1004, [])


def test_a_group_alone_leaves_the_user_and_its_groups(pods):
    _, pid = ready_pod(pods, group(1002), prefix=["setpriv", "--groups=7,8"])
    assert ids(pid) == (0, 1002, [7, 8])


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", ["web", "1234"])
def test_names_are_those_of_the_processs_own_root(pods, root, how, name):
    assert in_root(pods, root, user(name), how=how) == (1234, 2345, [3001, 3003])


def test_groups_of_its_own_root(pods, root):
    assert in_root(pods, root, user("web") + group("disk"), groups("webs", 4001)) == (
        1234, 3002, [2345, 3001, 3003, 4001])
    assert in_root(pods, root, user("web"), STRICT) == (1234, 2345, [])
    assert in_root(pods, root, user("web"), STRICT + groups("disk", 5)) == (1234, 2345, [5, 3002])
    assert in_root(pods, root, user("root")) == (0, 0, [])


def test_a_user_of_podinits_root_is_not_one_of_another(pods, root):
    start_error(pods, user("nobody") + f"rootfs = {root}\n", "its /etc/passwd has no user nobody")


@pytest.mark.parametrize("lines, pod, message", [
    (user("nonesuch"), "", "its /etc/passwd has no user nonesuch"),
    ("", user("nonesuch"), "its /etc/passwd has no user nonesuch"),
    (group("nonesuch"), "", "its /etc/group has no group nonesuch"),
    (user(99999999999999999999), "", "its /etc/passwd has no user 99999999999999999999"),
    ("", groups("root", "nonesuch"), "its /etc/group has no group nonesuch")])
def test_a_name_that_is_not_there(pods, lines, pod, message):
    start_error(pods, lines, message, pod=pod)


def test_the_highest_number(pods):
    _, pid = ready_pod(pods, user(2147483647) + group(2147483647))
    assert ids(pid) == (2147483647, 2147483647, [])


# --- files that are not what they should be ---


BAD = {
    "long-line": b"x" * 70000 + b":x:1:1\nroot:x:0:0::/:\n" + b"z" * 200000,
    "long-line-then-web": b"web:x:1:" + b"1" * 70000 + b"\nweb:x:1234:2345::/:\n",
    "garbage": bytes(range(256)) * 300 + b"\nweb:x:1234:2345::/:\n",
    "nul": b"a\0b:c\nweb:x:1234:2345::/:\n",
    "no-newline": b"web:x:1234:2345",
    "few-fields": b"web\nweb:x\nweb:x:1234\nweb:x::\nweb:x:-1:2\nweb:x:1234:2345\n",
    "other-numbers": b"web:x:0x5:1\nweb:x:5:\nweb:x: 5 :1\nweb:x:4294967296:0\nweb:x:1234:2345\n",
    "windows": b"web:x:1234:2345:a:b:c\r\n",
}


@pytest.mark.parametrize("name", BAD)
def test_odd_lines_hide_nothing(pods, root, name):
    (root / "etc/passwd").write_bytes(BAD[name])
    if name == "long-line":
        start_error(pods, user("web") + f"rootfs = {root}\n", "its /etc/passwd has no user web")
    else:
        assert in_root(pods, root, user("web"))[:2] == (1234, 2345)


def make_odd(path, kind):
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to("passwd")
    elif kind == "outside":
        path.symlink_to("../" * 30 + "etc/passwd")
    elif kind == "huge":
        with open(path, "wb") as file:
            file.truncate(1 << 40)


@pytest.mark.parametrize("kind", ["fifo", "directory", "endless", "loop", "missing", "outside", "huge"])
def test_a_file_of_another_kind_holds_nobody_up(pods, root, kind):
    make_odd(root / "etc/passwd", kind)
    start_error(pods, user("web") + f"rootfs = {root}\n", "its /etc/passwd has no user web")


@pytest.mark.parametrize("kind", ["fifo", "endless"])
def test_a_number_needs_no_file(pods, root, kind):
    make_odd(root / "etc/passwd", kind)
    make_odd(root / "etc/group", kind)
    assert in_root(pods, root, user(77) + group(78)) == (77, 78, [])


def test_more_groups_than_fit_are_left_out(pods, root):
    (root / "etc/group").write_text("".join(f"g{i}:x:{10000 + i}:web\n" for i in range(3000)))
    assert len(in_root(pods, root, user("web"))[2]) == 1024


# --- runAsNonRoot ---


@pytest.mark.parametrize("who", ["", user(0), user("root"), user("00")], ids=["unsaid", "0", "root", "00"])
def test_non_root_refuses_root(pods, who):
    start_error(pods, NON_ROOT + who, "runAsNonRoot, but its user is root")
    start_error(pods, "", "runAsNonRoot, but its user is root", pod=NON_ROOT + who)


def test_non_root_refuses_root_by_another_name(pods, root):
    (root / "etc/passwd").write_text("toor:x:0:0\n")
    start_error(pods, NON_ROOT + user("toor") + f"rootfs = {root}\n", "runAsNonRoot, but its user is root")


def test_non_root_allows_others_and_a_process_may_say_otherwise(pods):
    _, pid = ready_pod(pods, NON_ROOT + user("nobody"))
    assert ids(pid)[0] == 65534
    _, pid = ready_pod(pods, "securityContext.runAsNonRoot = false\n", pod=NON_ROOT)
    assert ids(pid)[0] == 0


def test_non_root_where_podinit_is_not_root(open_pods):
    _, pid = ready_pod(open_pods, NON_ROOT, how=PLAIN, prefix=NOBODY)
    assert ids(pid)[0] == 65534


# --- podinit as an ordinary user ---


@pytest.mark.parametrize("name", ["65534", "nobody"])
def test_an_ordinary_user_can_be_asked_to_be_itself(open_pods, name):
    _, pid = ready_pod(open_pods, user(name), how=PLAIN, prefix=NOBODY)
    assert ids(pid) == (65534, 65534, [])


def test_an_ordinary_user_that_no_file_knows_is_itself_too(open_pods):
    prefix = ["setpriv", "--reuid=4321", "--regid=4322", "--clear-groups"]
    _, pid = ready_pod(open_pods, user(4321), how=PLAIN, prefix=prefix)
    assert ids(pid) == (4321, 4322, [])


def test_an_ordinary_user_keeps_its_groups(open_pods):
    prefix = ["setpriv", "--reuid=4321", "--regid=4322", "--groups=7,8"]
    _, pid = ready_pod(open_pods, "", how=PLAIN, prefix=prefix)
    assert ids(pid) == (4321, 4322, [7, 8])


@pytest.mark.parametrize("lines, pod, message", [
    (user(1), "", "cannot set its groups as user 1: Operation not permitted"),
    (group(1), "", "cannot set its groups: Operation not permitted"),
    ("", groups(5), "cannot set its groups: Operation not permitted")])
def test_an_ordinary_user_cannot_be_another(open_pods, lines, pod, message):
    start_error(open_pods, lines, message, pod=pod, how=PLAIN, prefix=NOBODY)


def test_a_rootless_sandbox_has_one_user_which_is_root_there(open_pods):
    _, pid = ready_pod(open_pods, user(0), how=SANDBOX, prefix=NOBODY)
    assert ids(pid)[0] == 65534
    start_error(open_pods, user(1), "this user namespace does not have its user and groups",
                how=SANDBOX, prefix=NOBODY)


# --- what stays as it is ---


def test_umask(pods):
    _, pid = ready_pod(pods, "umask = 027\n")
    assert status(pid)["Umask"].strip() == "0027"
    _, pid = ready_pod(pods)
    assert status(pid)["Umask"].strip() == status("self")["Umask"].strip()


@pytest.mark.parametrize("face", ["podinit", "tini", "dumb-init", "catatonit"])
def test_an_entrypoint_hands_on_what_it_was_given(pods, face):
    """Whatever its face: groups, capabilities, umask, and podinit itself stays as it was."""
    prefix = ["setpriv", "--groups=7,8", "--inh-caps=+net_raw", "--ambient-caps=+net_raw",
              "--bounding-set=-sys_boot"]
    compat = [] if face == "podinit" else [f"--compat={face}"]
    pod = pods.with_arguments(*compat, "--", HELPER, "polite", "web", "0", "0", how=UNSHARE, events=False,
                              prefix=prefix)
    pod.says("web is ready")
    (pid,) = until(pod.processes, "it runs")
    shown, own = status(pid), status(pod.inner)
    for field in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
                  "Seccomp", "Umask"):
        assert shown[field] == own[field], field
    assert sorted(map(int, shown["Groups"].split())) == [7, 8]
    assert int(shown["CapAmb"], 16) == 1 << 13
    assert not int(shown["CapBnd"], 16) & 1 << 22
    assert os.stat(f"/proc/{pid}/environ").st_uid == 0
