"""podconv, on profiles that are right, odd and broken. What a filter says is asked of bpf.py."""

import json
import operator
import os
import pathlib
import pty
import re
import subprocess

import pytest

import bpf
from pods import PODCONV, ROOT

PODMANS_PROFILE = pathlib.Path("/usr/share/containers/seccomp.json")
READ, WRITE, OPEN, GETPID = 0, 1, 2, 39  # of x86_64


def podconv(*words, **options):
    return subprocess.run([PODCONV, *map(str, words)], text=True, capture_output=True, timeout=60,
                          **options)


def convert(path, *options):
    return podconv("--from", "seccomp", "--to", "bpf", *options, path)


@pytest.fixture
def profile(tmp_path):
    """Converts a profile: what was said and, where it was accepted, the filter."""
    def make(content, *options, name="profile.json"):
        path, output = tmp_path / name, tmp_path / "filter"
        output.unlink(missing_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        done = subprocess.run([PODCONV, "--from", "seccomp", "--to", "bpf", "-o", output, *options,
                               name], text=True, capture_output=True, cwd=tmp_path, timeout=60)
        assert output.exists() == (done.returncode == 0)
        done.filter = bpf.Filter(output) if output.exists() else None
        return done
    return make


def accepted(done, warnings=()):
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [f"warning: profile.json: {line}" for line in warnings]
    return done.filter


def deny(*calls, **more):
    """A profile that allows everything but some calls."""
    return {"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": list(calls), "action": "SCMP_ACT_ERRNO", **more}]}


# --- what a profile means ---


@pytest.mark.parametrize("action, number, answer", [
    ("SCMP_ACT_ALLOW", None, "allow"), ("SCMP_ACT_ERRNO", None, 1), ("SCMP_ACT_ERRNO", 0, 0),
    ("SCMP_ACT_ERRNO", 38, 38), ("SCMP_ACT_ERRNO", 4094, 4094), ("SCMP_ACT_KILL", None, "kill thread"),
    ("SCMP_ACT_KILL_THREAD", None, "kill thread"), ("SCMP_ACT_KILL_PROCESS", None, "kill process"),
    ("SCMP_ACT_TRAP", None, "trap"), ("SCMP_ACT_LOG", None, "log"), ("SCMP_ACT_TRACE", 7, "trace"),
])
@pytest.mark.parametrize("as_default", [False, True])
def test_every_action(profile, action, number, answer, as_default):
    other = "SCMP_ACT_TRAP" if action == "SCMP_ACT_ALLOW" else "SCMP_ACT_ALLOW"
    if as_default:
        content = {"defaultAction": action, "syscalls": [{"names": ["read"], "action": other}]}
        if number is not None:
            content["defaultErrnoRet"] = number
    else:
        content = {"defaultAction": other, "syscalls": [{"name": "getpid", "action": action}]}
        if number is not None:
            content["syscalls"][0]["errnoRet"] = number
    answers = accepted(profile(content))
    assert answers(GETPID) == answer
    assert answers(READ) == {"SCMP_ACT_TRAP": "trap", "SCMP_ACT_ALLOW": "allow"}[other]


VALUE = 0x5_8000_0007
OPERATORS = {"SCMP_CMP_NE": operator.ne, "SCMP_CMP_LT": operator.lt, "SCMP_CMP_LE": operator.le,
             "SCMP_CMP_EQ": operator.eq, "SCMP_CMP_GE": operator.ge, "SCMP_CMP_GT": operator.gt,
             "SCMP_CMP_MASKED_EQ": lambda a, mask: a & mask == 0x4_0000_0003}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("index", range(6))
def test_every_comparison_looks_at_all_64_bits(profile, name, index):
    answers = accepted(profile(deny("read", args=[
        {"index": index, "value": VALUE, "valueTwo": 0x4_0000_0003, "op": name}])))
    near = [base + offset for base in (0, 2**32, VALUE, VALUE + 2**32, VALUE - 2**32, 2**63, 2**64)
            for offset in (-1, 0, 1)] + [0x4_0000_0003, 0x6_0000_0003, 0x4_0000_0013, VALUE & 0xFFFFFFFF]
    for value in (value % 2**64 for value in near):
        arguments = [99] * 6
        arguments[index] = value
        refused = OPERATORS[name](value, VALUE)
        assert answers(READ, *arguments) == (1 if refused else "allow"), hex(value)


def test_conditions_of_different_arguments_must_all_hold(profile):
    answers = accepted(profile(deny("read", args=[
        {"index": 0, "value": 5, "op": "SCMP_CMP_EQ"},
        {"index": 2, "value": 100, "op": "SCMP_CMP_GT"}])))
    assert answers(READ, 5, 0, 101) == 1
    assert answers(READ, 5, 0, 100) == answers(READ, 4, 0, 101) == "allow"


def test_of_conditions_of_the_same_argument_one_is_enough(profile):
    answers = accepted(profile(deny("read", args=[
        {"index": 0, "value": 5, "op": "SCMP_CMP_EQ"},
        {"index": 0, "value": 7, "op": "SCMP_CMP_EQ"}])), [
        "syscalls[0].args: an argument is compared more than once: any one comparison is enough, "
        "as in runc"])
    assert [answers(READ, fd) for fd in (5, 6, 7)] == [1, "allow", 1]


def test_errors_have_names_too(profile):
    content = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOSYS", "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["open"], "action": "SCMP_ACT_ERRNO", "errno": "EACCES", "errnoRet": 13}]}
    answers = accepted(profile(content))
    assert [answers(call) for call in (READ, OPEN, GETPID)] == ["allow", 13, 38]


@pytest.mark.parametrize("condition, applies", [
    ({"includes": {"caps": ["CAP_CHOWN"]}}, True),
    ({"includes": {"caps": ["CAP_SYS_ADMIN"]}}, False),
    ({"includes": {"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}}, False),
    ({"excludes": {"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]}}, False),
    ({"excludes": {"caps": ["CAP_SYS_ADMIN"]}}, True),
    ({"includes": {"arches": ["arm64", "amd64"]}}, True),
    ({"includes": {"arches": ["arm64", "s390x"]}}, False),
    ({"excludes": {"arches": ["arm64"]}}, True),
    ({"excludes": {"arches": ["arm64", "amd64"]}}, False),
    ({"includes": {"minKernel": "3.2"}}, True),
    ({"includes": {"minKernel": "200.0"}}, False),
    ({"excludes": {"minKernel": "3.2"}}, False),
    ({"excludes": {"minKernel": "200.0"}}, True),
    ({"includes": {"caps": ["CAP_CHOWN"], "arches": ["arm64"]}}, False),
    ({"includes": {"caps": ["CAP_CHOWN"]}, "excludes": {"arches": ["amd64"]}}, False),
    ({"includes": {}, "excludes": {"caps": [], "minKernel": ""}}, True),
    ({"includes": None, "excludes": {"caps": None}, "args": None, "comment": "none"}, True),
])
def test_what_a_rule_is_for(profile, condition, applies):
    answers = accepted(profile(deny("read", **condition)))
    assert answers(READ) == (1 if applies else "allow")


@pytest.mark.parametrize("capabilities, applies", [
    ("SYS_ADMIN", True), ("cap_sys_admin", True), ("CHOWN,CAP_SYS_ADMIN", True), ("ALL", True),
    ("NONE", False), ("CHOWN", False), (None, False)])
def test_whose_capabilities_count_can_be_said(profile, capabilities, applies):
    options = ["--caps", capabilities] if capabilities else []
    answers = accepted(profile(deny("read", includes={"caps": ["CAP_SYS_ADMIN"]}), *options))
    assert answers(READ) == (1 if applies else "allow")


def test_architectures(profile):
    content = deny("getpid")
    assert accepted(profile(content))(20, arch=bpf.I386) == "kill thread"
    for more in ({"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]},
                 {"architectures": ["SCMP_ARCH_X86"]},
                 {"archMap": [{"architecture": "SCMP_ARCH_AARCH64",
                               "subArchitectures": ["SCMP_ARCH_ARM"]},
                              {"architecture": "SCMP_ARCH_UNHEARD_OF", "subArchitectures": None},
                              {"architecture": "SCMP_ARCH_X86_64",
                               "subArchitectures": ["SCMP_ARCH_X86"]}]}):
        answers = accepted(profile({**content, **more}))
        assert answers(20, arch=bpf.I386) == answers(GETPID) == 1
        assert answers(3, arch=bpf.I386) == "allow"
        assert answers(0, arch=0x40000028) == "kill thread"  # 32-bit ARM


def test_flags(profile):
    answers = accepted(profile({**deny("read"), "flags": [
        "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"]}))
    assert answers.flags == 2 | 4


@pytest.mark.skipif(not PODMANS_PROFILE.exists(), reason="podman's profile is not installed")
def test_podmans_profile(tmp_path):
    done = convert(PODMANS_PROFILE, "-o", tmp_path / "filter", "--strict")
    assert (done.returncode, done.stderr) == (0, "")
    answers = bpf.Filter(tmp_path / "filter")
    assert [answers(call) for call in (READ, 165, 321, 666)] == ["allow", "allow", 1, 38]


# --- what is wrong with a profile ---

BROKEN = {"defaultAction": "SCMP_ACT_NOPE", "architectures": ["SCMP_ARCH_FOO", 3], "flags": ["X"],
          "syscalls": [
              {"names": ["read"], "action": "SCMP_ACT_ALLOW"}, 5,
              {"name": "x", "names": ["y"], "action": 7},
              {"names": ["open", 4, ""], "action": "SCMP_ACT_ERRNO", "errnoRet": 70000, "args": [
                  {"index": 6, "value": -1, "op": "EQ"}, {"op": 4, "value": "1"}, 7, {"index": 0}]},
              {"action": "SCMP_ACT_NOTIFY", "excludes": [], "includes": {
                  "caps": [1], "minKernel": "4.8.1", "arches": "amd64"}},
              {"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1},
              {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errno": "EFOO"},
              {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errno": "EPERM", "errnoRet": 2},
              {"names": "read"}, {"name": ""}]}

FAULTS = """\
defaultAction: there is no such action: 'SCMP_ACT_NOPE'
architectures[0]: there is no such architecture: 'SCMP_ARCH_FOO'
architectures[1]: must be text in quotes
flags[0]: there is no such flag: 'X'
syscalls[1]: must be an object: {...}
syscalls[2].action: must be text in quotes
syscalls[2].name: there must be either name or names
syscalls[3].errnoRet: must be a whole number, 0 to 4094
syscalls[3].args[0].index: must be a whole number, 0 to 5
syscalls[3].args[0].value: must be a whole number, not negative
syscalls[3].args[0].op: there is no such comparison: 'EQ'
syscalls[3].args[1].value: must be a whole number, not negative
syscalls[3].args[1].op: must be text in quotes
syscalls[3].args[2]: must be an object: {...}
syscalls[3].args[3].op: is missing
syscalls[3].names[1]: must be the name of a system call, in quotes
syscalls[3].names[2]: must be the name of a system call, in quotes
syscalls[4].action: SCMP_ACT_NOTIFY is not supported: nobody listens
syscalls[4].includes.caps[0]: must be text in quotes
syscalls[4].includes.arches: must be an array: [...]
syscalls[4].includes.minKernel: must be as in "4.8", not '4.8.1'
syscalls[4].excludes: must be an object: {...}
syscalls[4].names: is missing
syscalls[5].errnoRet: SCMP_ACT_ALLOW has no number
syscalls[6].errno: not known by name: 'EFOO'; write it as a number into errnoRet
syscalls[7].errno: EPERM is 1, but errnoRet is 2
syscalls[8].action: is missing
syscalls[8].names: must be an array: [...]
syscalls[9].action: is missing
syscalls[9].name: is empty
"""


def test_every_fault_is_reported_with_its_place(profile):
    done = profile(BROKEN)
    faults = [f"profile.json: {line}" for line in FAULTS.splitlines()]
    assert done.stderr.splitlines() == faults + [
        f"podconv: {len(faults)} errors; nothing was written"]
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("content, fault", [
    ("", "1: not JSON: '[' or '{' expected near end of file"),
    ("{", "1: not JSON: string or '}' expected near end of file"),
    ('{\n"defaultAction": "SCMP_ACT_ALLOW",\n}', "3: not JSON: string or '}' expected near '}'"),
    ('{"defaultAction": "SCMP_ACT_LOG",\n"defaultAction": "SCMP_ACT_ALLOW"}',
     "2: not JSON: duplicate object key near '\"defaultAction\"'"),
    ("[]", " must be an object: {...}"),
    ("{}", " defaultAction: is missing"),
    ('{"defaultAction": null}', " defaultAction: is missing"),
    ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}}, " syscalls: must be an array: [...]"),
    ({"defaultAction": "SCMP_ACT_ALLOW", "archMap": [7]}, " archMap[0]: must be an object: {...}"),
    ({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_S390X"]},
     " architectures[0]: SCMP_ARCH_S390X cannot be in one filter with this machine's architecture"),
    ({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
      "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]},
     " archMap: there must be either architectures or archMap"),
    ({"defaultAction": "a\nb"}, " defaultAction: there is no such action: 'a?b'"),
])
def test_a_broken_profile(profile, content, fault):
    done = profile(content)
    assert done.returncode == 1
    first, last = done.stderr.splitlines()
    assert last == "podconv: 1 error; nothing was written"
    assert first == f"profile.json:{fault}" or "a?b" in fault and "such action: 'a" in first


@pytest.mark.parametrize("content, warning", [
    (deny("read", "not_a_call"),
     "syscalls[0]: not_a_call: libseccomp knows no such system call; left out"),
    ({**deny("read"), "sysCalls": []}, "sysCalls: there is no such key, so it was left out"),
    (deny("read", arg=[]), "syscalls[0].arg: there is no such key, so it was left out"),
    (deny("read", includes={"caps": ["CHOWN"], "cap": 1}),
     "syscalls[0].includes.cap: there is no such key, so it was left out"),
    (deny("read", excludes={"caps": ["CAP_OF_TOMORROW"]}),
     "syscalls[0].excludes.caps[0]: there is no such capability: 'CAP_OF_TOMORROW'"),
    (deny("read", excludes={"arches": ["pdp11"]}),
     "syscalls[0].excludes.arches[0]: there is no such architecture: 'pdp11'"),
])
def test_what_is_not_known_is_a_warning_or_with_strict_an_error(profile, content, warning):
    assert accepted(profile(content), [warning])(READ) == 1
    done = profile(content, "--strict")
    assert done.returncode == 1
    assert done.stderr == f"profile.json: {warning}\npodconv: 1 error; nothing was written\n"


# --- the command line ---


@pytest.mark.parametrize("words, message", [
    ([], "podconv: --from is missing"), (["--from", "seccomp"], "podconv: --to is missing"),
    (["--from", "seccomp", "--to", "bpf"], "podconv: a PATH is missing"),
    (["--from", "seccomp", "--to", "ini", "x"], "podconv: cannot convert from seccomp to ini"),
    (["--from", "seccomp", "--to", "bpf", "x", "y"], "podconv: a filter is made of one profile"),
    (["--from", "seccomp", "--to", "bpf", "--caps", "CHOWN,NOPE", "x"],
     "podconv: --caps: there is no capability 'NOPE'"),
    (["--from", "seccomp", "--to", "bpf", "--caps", "", "x"],
     "podconv: --caps: there is no capability ''"),
    (["--nope"], f"{PODCONV}: unrecognized option '--nope'"),
])
def test_wrong_usage(words, message):
    done = podconv(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)


def test_help_and_version():
    done = podconv("--help")
    assert done.returncode == 0 and "--from seccomp --to bpf" in done.stdout
    assert "systemd" not in done.stdout  # only what exists
    assert podconv("-V").stdout.startswith("podconv ")


def test_the_manual_has_every_option():
    manual = (ROOT / "docs/podconv.1").read_text().replace("\\-", "-")
    options = set(re.findall(r"--[a-z]+|(?<= )-[a-z](?=,)", podconv("--help").stdout))
    assert options >= {"--from", "--caps", "-o", "-h"}
    for option in options - {"--help", "--version"}:
        assert option in manual, option


def test_files_that_cannot_be_read_or_written(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(deny("read")))
    for done, message in ((convert(tmp_path / "none"), f"{tmp_path}/none: No such file or directory"),
                          (convert(tmp_path), f"{tmp_path}: Is a directory"),
                          (convert(path, "-o", tmp_path), f"{tmp_path}: Is a directory"),
                          (convert(path, "-o", "/dev/full"), "/dev/full: No space left on device")):
        assert (done.returncode, done.stderr) == (1, f"podconv: {message}\n")
    path.write_text(" " * (8 * 2**20 + 1))
    assert "larger than 8 MiB" in convert(path).stderr


def test_standard_input_and_output(tmp_path):
    done = subprocess.run([PODCONV, "--from", "seccomp", "--to", "bpf", "-"], capture_output=True,
                          input=json.dumps(deny("read")).encode())
    (tmp_path / "filter").write_bytes(done.stdout)
    assert bpf.Filter(tmp_path / "filter")(READ) == 1


def test_a_terminal_gets_no_bytes(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(deny("read")))
    master, terminal = pty.openpty()
    done = subprocess.run([PODCONV, "--from", "seccomp", "--to", "bpf", path], stdout=terminal,
                          stderr=subprocess.PIPE, text=True)
    os.close(terminal)
    os.close(master)
    assert done.returncode == 2 and "not for a terminal" in done.stderr
