"""System call filters: the one that podinit makes itself, on the real kernel and by bpf.py, and
the file that podconv hands over."""

import os
import platform
import shutil
import subprocess

import pytest

import bpf
from containers import needs_podman
from pods import FILTERED, PODINIT, for_everyone

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")

CAPABILITIES = {name: number for number, name in enumerate("""
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE
SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
""".split())}
# Those that a filter asks for.
ASKED_FOR = """DAC_READ_SEARCH SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
SYS_NICE SYS_TIME SYS_TTY_CONFIG SYSLOG PERFMON BPF CHOWN""".split()
ALL = 2**64 - 1
EPERM, ENOSYS = 1, 38
NEWNS, NEWUSER, NEWNET = 0x20000, 0x10000000, 0x40000000


def run(*words, **options):
    return subprocess.run([FILTERED, *map(str, words)], text=True, capture_output=True, timeout=60,
                          **options)


def calls(kind, which, *words, prefix=()):
    """Makes system calls behind a filter: {call: "ok" or the name of the error}."""
    done = run(kind, which, *prefix, "call", *words)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


def numbers(*names):
    return dict(zip(names, map(int, run("number", *names).stdout.split())))


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    """The default filter for a set of capabilities, for bpf.py."""
    made = {}

    def make(capabilities):
        if capabilities not in made:
            path = tmp_path_factory.mktemp("filters") / "default"
            assert run("write", f"{capabilities:x}", path).returncode == 0
            made[capabilities] = bpf.Filter(path)
        return made[capabilities]
    return make


# --- the default filter on this kernel ---

REFUSED = [f"clone:{NEWUSER | 17:#x}", f"clone:{NEWNS | 17:#x}", f"clone:{NEWNET | 17:#x}",
           "mount", "umount2", "unshare:0x10000000", "setns", "pivot_root", "fsopen", "bpf",
           "keyctl", "add_key", "request_key", "perf_event_open", "userfaultfd", "io_uring_setup",
           "kexec_load", "init_module", "finit_module", "open_by_handle_at", "swapon", "iopl",
           "clock_settime", "kcmp", "mbind", "chroot", "personality:0x40000", "personality:0x400000",
           "socket:38:5", "socket:40:1", "socket:0x100000028:1"]


def test_the_default_filter_refuses_what_leads_out():
    assert calls("default", 0, *REFUSED) == dict.fromkeys(REFUSED, "EPERM")


def test_without_the_filter_root_may_do_some_of_it():
    """So that the test above means something."""
    wanted = ["mount", "unshare:0x10000000", "bpf", "keyctl", "personality:0x40000", "chroot"]
    assert "EPERM" not in calls("none", "-", *wanted).values()


@pytest.mark.parametrize("number", [450 + 216, 1000, 0x3FFFFFFF, "clone3"])
def test_a_call_on_no_list_does_not_exist(number):
    assert set(calls("default", 0, number).values()) == {"ENOSYS"}


def test_what_programs_do_all_day_is_allowed():
    wanted = ["getpid", "clone:17", "socket:1:1", "socket:2:1", "socket:10:2", "socket:16:3:0",
              "socket:17:3", "personality:0", "personality:0xffffffff", "memfd_create",
              "epoll_create1", "umask:022", "sync", "sched_yield"]
    answers = calls("default", 0, *wanted)
    assert not {"EPERM", "ENOSYS"} & set(answers.values()), answers
    assert answers["clone:17"] == answers["socket:1:1"] == "ok"


def test_with_sys_admin_mounts_and_namespaces_are_not_filtered():
    admin = f"{1 << CAPABILITIES['SYS_ADMIN']:x}"
    answers = calls("default", admin, "mount", "clone3", "setns", "bpf", "keyctl", "init_module")
    assert answers == {"mount": "EFAULT", "clone3": "EINVAL", "setns": "EINVAL", "bpf": "EINVAL",
                       "keyctl": "EPERM", "init_module": "EPERM"}


def test_who_is_not_root_needs_no_new_privs():
    done = subprocess.run(["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups",
                           for_everyone(FILTERED), "default", "0", "call", "mount"], text=True,
                          capture_output=True)
    assert (done.stdout, done.stderr) == ("mount EPERM\n", "needs no_new_privs\n")


# --- programs behind it ---

PYTHON = """
import socket, subprocess, tempfile, threading, time
done = []
threads = [threading.Thread(target=done.append, args=(i,)) for i in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
a, b = socket.socketpair()
a.send(b"x")
with tempfile.NamedTemporaryFile() as file:
    file.write(b.recv(1))
print(sorted(done), subprocess.check_output(["sh", "-c", "echo sub"], text=True).strip())
"""


@pytest.mark.parametrize("words, output", [
    (["sh", "-c", "printf 'b\\na\\n' | sort | tr a-z A-Z | tail -n 1; exit 7"], "B\n"),
    (["busybox", "sh", "-c", "busybox seq 9 | busybox wc -l; exit 7"], "9\n"),
    (["/usr/bin/python3", "-c", PYTHON + "raise SystemExit(7)"], "[0, 1, 2, 3] sub\n"),
    ([PODINIT, "--", "sh", "-c", "echo inside & wait; exit 7"], "inside\n"),
    ([PODINIT, "--", PODINIT, "--", "sh", "-c", "echo inside; exit 7"], "inside\n"),
], ids=["sh", "busybox", "python", "podinit", "podinit in podinit"])
@pytest.mark.parametrize("user", [[], ["--user"]], ids=["root", "user"])
def test_ordinary_programs_run_behind_it(words, output, user):
    if not shutil.which(words[0]):
        pytest.skip(f"no {words[0]}")
    words = [for_everyone(word) if word == PODINIT else word for word in words]
    done = run("default", 0, *user, *words, cwd="/")
    assert (done.returncode, done.stdout) == (7, output), done.stderr


# --- the whole of it, by bpf.py ---

NEEDS = {
    "open_by_handle_at": ["DAC_READ_SEARCH"], "chroot": ["SYS_CHROOT"], "acct": ["SYS_PACCT"],
    "vhangup": ["SYS_TTY_CONFIG"], "kcmp": ["SYS_PTRACE"], "pidfd_getfd": ["SYS_PTRACE"],
    "process_madvise": ["SYS_PTRACE"], "iopl": ["SYS_RAWIO"], "ioperm": ["SYS_RAWIO"],
    "init_module": ["SYS_MODULE"], "finit_module": ["SYS_MODULE"], "delete_module": ["SYS_MODULE"],
    "settimeofday": ["SYS_TIME"], "clock_settime": ["SYS_TIME"], "reboot": ["SYS_BOOT"],
    "kexec_load": ["SYS_BOOT"], "mbind": ["SYS_NICE"], "set_mempolicy": ["SYS_NICE"],
    "syslog": ["SYSLOG", "SYS_ADMIN"], "bpf": ["BPF", "SYS_ADMIN"],
    "perf_event_open": ["PERFMON", "SYS_ADMIN"],
    **dict.fromkeys(["mount", "umount2", "pivot_root", "setns", "unshare", "fsopen", "fsmount",
                     "move_mount", "open_tree", "mount_setattr", "sethostname", "setdomainname",
                     "quotactl", "fanotify_init"], ["SYS_ADMIN"]),
    **dict.fromkeys(["keyctl", "add_key", "request_key", "io_uring_setup", "io_uring_enter",
                     "userfaultfd", "swapon", "swapoff", "uselib", "ustat", "sysfs", "_sysctl"], []),
}


def test_a_call_is_allowed_exactly_with_its_capability(default):
    number = numbers(*NEEDS)
    for held in [*ASKED_FOR, None]:
        answer = default(1 << CAPABILITIES[held] if held else 0)
        for call, needed in NEEDS.items():
            assert answer(number[call]) == ("allow" if held in needed else EPERM), (held, call)


def test_with_every_capability_only_what_nobody_may_is_refused(default):
    for call, number in numbers(*NEEDS).items():
        assert default(ALL)(number) == ("allow" if NEEDS[call] else EPERM), call


def test_what_is_not_known_does_not_exist_on_any_architecture(default):
    for arch in bpf.X86_64, bpf.I386:
        assert {default(0)(number, arch=arch) for number in range(600, 2000)} == {ENOSYS}
    assert {default(0)(number | bpf.X32) for number in range(600, 2000)} == {ENOSYS}


def test_the_same_holds_for_32_bit_programs(default):
    answer = default(0)
    for number, wanted in {3: "allow", 11: "allow", 102: "allow", 21: EPERM, 310: EPERM,
                           357: EPERM, 88: EPERM, 435: ENOSYS}.items():
        assert answer(number, arch=bpf.I386) == wanted, number
    assert answer(120, 17, arch=bpf.I386) == "allow"  # clone
    assert answer(120, NEWUSER | 17, arch=bpf.I386) == EPERM
    assert answer(359, 40, arch=bpf.I386) == EPERM  # socket
    assert answer(359, 2, arch=bpf.I386) == "allow"
    assert {answer(102, call, arch=bpf.I386) for call in range(1, 21)} == {"allow"}  # socketcall
    assert {answer(117, call, arch=bpf.I386) for call in range(1, 25)} == {"allow"}  # ipc
    # x32: the numbers of x86_64 with a bit, but for some of its own, like execve.
    assert answer(165 | bpf.X32) == EPERM
    assert answer(39 | bpf.X32) == answer(520 | bpf.X32) == "allow"


def test_programs_of_other_machines_are_killed(default):
    assert default(0)(0, arch=0xC00000B7) == "kill thread"


def test_clone_makes_no_namespace_whatever_else_it_is_told(default):
    clone = numbers("clone")["clone"]
    namespaces = [1 << bit for bit in (17, 25, 26, 27, 28, 29, 30)]
    for bit in (1 << bit for bit in range(32)):
        wanted = EPERM if bit in namespaces else "allow"
        assert default(0)(clone, bit | 17) == wanted, hex(bit)
        assert default(1 << 21)(clone, bit) == "allow"
    assert default(0)(clone, 0x3D0F00) == "allow"  # as a C library makes a thread
    assert default(0)(clone, 0xFFFFFFFF) == EPERM
    assert default(0)(clone, 2**32 + NEWUSER) == EPERM  # the kernel takes the lower half


def test_only_usual_personalities(default):
    personality = numbers("personality")["personality"]
    usual = {0, 8, 0x20000, 0x20008, 0xFFFFFFFF}
    for value in usual | {1 << bit for bit in range(31)} | {0x20 | 8, 0x7FFFFFFF}:
        assert default(0)(personality, value) == ("allow" if value in usual else EPERM), hex(value)
    assert default(0)(personality, 0x80000000) != "allow"


def test_sockets_of_families_that_stay_in_the_pod(default):
    socket = numbers("socket")["socket"]
    for family in range(46):
        wanted = EPERM if family in (38, 40) else "allow"
        assert default(0)(socket, family) == wanted, family
    for family in (46, 100, 2**31, -1):
        assert default(0)(socket, family) == ENOSYS
    assert default(0)(socket, 2**32 + 40) == EPERM  # the kernel takes the lower half


# --- the file ---


def read_as(path):
    return run("read", path).stdout.split()


def test_a_filter_goes_through_a_file(tmp_path):
    assert run("write", 0, tmp_path / "filter").returncode == 0
    count, result = read_as(tmp_path / "filter")
    assert result == "ok" and int(count) == len(bpf.Filter(tmp_path / "filter").program)
    assert calls("file", tmp_path / "filter", "mount", "getpid", "clone3") == {
        "mount": "EPERM", "getpid": "ok", "clone3": "ENOSYS"}


def test_a_file_is_refused_at_every_length_but_its_own(tmp_path):
    """A small one, so that every length can be tried."""
    path = tmp_path / "filter"
    run("write", 0, path)
    magic, arch, version, flags, _ = bpf.HEADER.unpack_from(path.read_bytes())
    allow = bpf.INSTRUCTION.pack(0x06, 0, 0, 0x7FFF0000)
    whole = bpf.HEADER.pack(magic, arch, version, flags, 3) + 3 * allow
    for length in range(len(whole) + 9):
        path.write_bytes((whole + b"123456789")[:length])
        wanted = ["3", "ok"] if length == len(whole) else \
            ["0", "EBADMSG" if length else "ENOEXEC"]
        assert read_as(path) == wanted, length


@pytest.mark.parametrize("change, error", [
    ({"magic": b"\x7fELF\x02\x01\x01\x00"}, "ENOEXEC"),
    ({"magic": b"PODBPF\n\n"}, "ENOEXEC"),
    ({"arch": 0xC00000B7}, "EXDEV"),
    ({"arch": 0x3E0000C0}, "EXDEV"),
    ({"version": 2}, "EPROTONOSUPPORT"),
    ({"version": 0}, "EPROTONOSUPPORT"),
    ({"flags": 8}, "EPROTONOSUPPORT"),  # a listener
    ({"count": 0}, "EBADMSG"),
    ({"count": 2}, "EBADMSG"),
    ({"count": 4096}, "EBADMSG"),
    ({"count": 4097}, "EFBIG"),
    ({"count": 0xFFFFFFFF}, "EFBIG"),
    ({"count": 0x10001}, "EFBIG"),
])
def test_a_header_that_is_not_right_is_refused(tmp_path, change, error):
    fields = {"magic": b"PODBPF\r\n", "arch": bpf.X86_64, "version": 1, "flags": 0, "count": 1}
    path = tmp_path / "filter"
    allow = bpf.INSTRUCTION.pack(0x06, 0, 0, 0x7FFF0000)
    path.write_bytes(bpf.HEADER.pack(*fields.values()) + allow)
    assert read_as(path) == ["1", "ok"]
    path.write_bytes(bpf.HEADER.pack(*{**fields, **change}.values()) + allow)
    assert read_as(path) == ["0", error]


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path, error in {tmp_path / "fifo": "ENOEXEC", tmp_path: "EISDIR", "/dev/null": "ENOEXEC",
                        tmp_path / "none": "ENOENT", __file__: "ENOEXEC"}.items():
        assert read_as(path) == ["0", error]


def test_every_refusal_has_words(tmp_path):
    path = tmp_path / "filter"
    path.write_bytes(b"#!/bin/sh\n")
    done = run("file", path, "true")
    assert (done.returncode, done.stderr) == (
        99, f"filtered: {path} is not a system call filter that podconv made\n")


# --- beside a container runtime ---

# Made with arguments that do nothing where they are allowed.
HARMLESS = ["mount", "umount2", "unshare:0x10000000", "setns", "pivot_root", "fsopen", "bpf",
            "keyctl", "add_key", "request_key", "io_uring_setup", "userfaultfd", "perf_event_open",
            "ptrace:99", "personality:0", "personality:8", "personality:0x40000",
            "personality:0xffffffff", "socket:1:1", "socket:2:1", "socket:16:3:0", "socket:16:3:9",
            "clone:17", "clone:0x10000011", "clone3", "reboot", "kexec_load", "swapon",
            "init_module", "finit_module", "delete_module", "acct:1", "iopl", "clock_settime:9",
            "syslog:99", "open_by_handle_at", "name_to_handle_at", "chroot", "quotactl",
            "move_pages:99999999", "mbind", "get_mempolicy", "process_vm_readv", "kcmp",
            "lookup_dcookie", "fanotify_init", "memfd_create", "landlock_create_ruleset",
            "seccomp:9", "vmsplice", "sysfs", "ustat", "666", "1000"]


def in_podman(podman, options, *words):
    said = podman("run", "--rm", "--network", "none", "-v", f"{FILTERED}:/filtered:ro", *options,
                  "plain", "/filtered", *words, "call", *HARMLESS)
    return dict(line.split() for line in said.splitlines() if line != "needs no_new_privs")


@needs_podman
def test_podmans_profile_does_by_podconv_what_it_does_by_runc(podman, tmp_path):
    from test_podconv import PODMANS_PROFILE, convert
    filter_file = tmp_path / "podman.bpf"
    capabilities = podman("run", "--rm", "--network", "none", "plain", "busybox", "grep", "CapBnd",
                          "/proc/1/status").split()[1]
    names = [name for name, number in CAPABILITIES.items() if int(capabilities, 16) >> number & 1]
    assert convert(PODMANS_PROFILE, "-o", filter_file, "--caps", ",".join(names)).returncode == 0
    by_runc = in_podman(podman, [], "none", "-")
    unconfined = ["--security-opt", "seccomp=unconfined", "-v", f"{filter_file}:/filter:ro"]
    assert in_podman(podman, unconfined, "file", "/filter") == by_runc
    # And ours: what podman's refuses, ours refuses (but for vmsplice, which Docker allows).
    ours = in_podman(podman, unconfined, "default", capabilities.lstrip("0"))
    refusals = {"EPERM", "ENOSYS"}
    more = {call for call in by_runc if by_runc[call] in refusals and ours[call] not in refusals}
    assert more <= {"vmsplice"}
    assert in_podman(podman, unconfined, "none", "-") != by_runc
