"""Bad files: every error of a file in one go, exit code 125, and nothing is started."""

import pytest

from pods import podinit

GOOD = "[pod]\nname = p\nrestartPolicy = Never\n[main m]\ncommand = touch {touched}\n"


class Refused:
    def __init__(self, tmp_path):
        self.file, self.touched = tmp_path / "pod.ini", tmp_path / "touched"

    def __call__(self, text, path=None):
        """Runs it, and --check; returns the errors as lines without the file's name."""
        if isinstance(text, str):
            text = text.encode()
        self.file.write_bytes(text.replace(b"{touched}", str(self.touched).encode()))
        ended = podinit("--no-control", "-c", path or self.file)
        checked = podinit("--check", "-c", path or self.file)
        assert (ended.returncode, ended.stdout) == (125, "")
        assert (checked.returncode, checked.stdout, checked.stderr) == (125, "", ended.stderr)
        assert not self.touched.exists()
        *errors, last = ended.stderr.splitlines()
        assert errors
        word = "problem" if len(errors) == 1 else "problems"
        assert last == f"podinit: {len(errors)} {word}; nothing was started"
        return [error.removeprefix(f"{self.file}:") for error in errors]


@pytest.fixture
def refused(tmp_path):
    return Refused(tmp_path)


def test_a_good_file_is_good(tmp_path):
    file = tmp_path / "pod.ini"
    file.write_text(GOOD.format(touched=tmp_path / "touched"))
    ended = podinit("--check", "-c", file)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert not (tmp_path / "touched").exists()
    assert podinit("--no-control", "-c", file).returncode == 0
    assert (tmp_path / "touched").exists()


@pytest.mark.parametrize("key, nearest", [
    ("comand", "command"), ("volumeMount", "volumeMounts"), ("restartpolicy", "restartPolicy"),
    ("workingdir", "workingDir"), ("securityContext.readOnlyRootFileSystem",
                                   "securityContext.readOnlyRootFilesystem")])
def test_an_unknown_key_is_told_with_the_nearest_name(refused, key, nearest):
    assert refused(GOOD + f"{key} = x\n") == [f"6: main m: {key}: unknown key; did you mean {nearest}?"]


def test_an_unknown_key_that_is_near_to_nothing_is_told_too(refused):
    assert refused(GOOD + "zzzzzzzzzz = x\n") == \
        ["6: main m: zzzzzzzzzz: unknown key (podinit --keys lists them)"]


def test_a_key_of_another_section_is_unknown(refused):
    errors = refused(GOOD + "terminationGracePeriodSeconds = 3\n")
    assert len(errors) == 1 and errors[0].startswith("6: main m: terminationGracePeriodSeconds: ")


def test_a_key_given_twice_is_told_with_both_lines(refused):
    assert refused(GOOD + "workingDir = /\nrootfs = /\nworkingDir = /\n") == \
        ["8: main m: workingDir: given twice, first in line 6"]


def test_a_section_given_twice_is_told_with_both_lines(refused):
    for section in ("pod", "main m", "volume v", "sidecar s"):
        errors = refused(GOOD + "[volume v]\nemptyDir =\n[sidecar s]\ncommand = true\n"
                         f"[{section}]\n")
        assert len(errors) == 1
        assert errors[0].startswith(f"10: {section}: name already used in ")


@pytest.mark.parametrize("line, why", [
    ("restartPolicy = Sometimes", "must be Always, OnFailure or Never, got 'Sometimes'"),
    ("securityContext.readOnlyRootFilesystem = yes", "must be true or false, got 'yes'"),
    ("workingDir = var", "must be an absolute path, got 'var'"),
    ("lifecycle.stopSignal = SIGNOPE",
     "must be a signal like TERM, SIGUSR1, RTMIN+3 or 15, got 'SIGNOPE'"),
    ("lifecycle.stopSignal = 65", "must be a signal like TERM, SIGUSR1, RTMIN+3 or 15, got '65'"),
    ("backoff.initialSeconds = soon", "must be a duration like 30, 500ms or 1m30s, got 'soon'"),
    ("backoff.initialSeconds = 301", "must be 0..300 seconds, got '301'"),
    ("backoff.maxSeconds = -1", "must be at least 0 seconds, got '-1'"),
    ("env = =x", "must be NAME=value, got '=x'"),
    ("env = NAME", "must be NAME=value, got 'NAME'"),
    ("volumeMounts = v", "must be VOLUME:PATH[:ro][:subPath=DIR], got 'v'"),
    ("volumeMounts = v:/a/../b", "must be VOLUME:PATH[:ro][:subPath=DIR], got 'v:/a/../b'"),
    ("volumeMounts = v:/a:subPath=../b",
     "must be a mount whose subPath is relative, without .., got 'v:/a:subPath=../b'"),
    ("restartPolicyRules = Restart Maybe 3",
     "must be 'Restart In CODES', 'Restart NotIn CODES' or the same with RestartAllContainers, "
     "codes 0..255 with commas between, "
     "got 'Restart Maybe 3'"),
    ("restartPolicyRules = Restart In 256",
     "must be 'Restart In CODES', 'Restart NotIn CODES' or the same with RestartAllContainers, "
     "codes 0..255 with commas between, "
     "got 'Restart In 256'"),
    ("args = 'open", None), ("args = \"open", None), ("rootfs =", "must be a text, got ''"),
    # Keys that are known, and whose values are checked, before their behaviour is there.
    ("nice = 20", "must be -20..19, got '20'"), ("nice = low", "must be an integer, got 'low'"),
    ("umask = 8", "must be an octal number 0..0777, got '8'"),
    ("resources.limits.memory = much", "must be a quantity like 2, 500m or 256Mi, got 'much'"),
    ("startupProbe.httpGet.port = 0", "must be 1..65535, got '0'"),
    ("startupProbe.httpGet.port = 65536", "must be 1..65535, got '65536'"),
    ("securityContext.runAsUser = -1", "must be 0..2147483647 or a name, got '-1'"),
    ("dependsOn = a,,b", "must be a list without empty items, got 'a,,b'")],
    ids=lambda value: value if value and " = " in value else "")
def test_a_bad_value_of_every_type_is_told(refused, line, why):
    key = line.partition(" ")[0]
    errors = refused(GOOD + line + "\n")
    assert len(errors) == 1 and errors[0].startswith(f"6: main m: {key}: ")
    assert why is None or errors == [f"6: main m: {key}: {why}"]


@pytest.mark.parametrize("line, why", [
    ("terminationGracePeriodSeconds = x", "must be a duration like 30, 500ms or 1m30s, got 'x'"),
    ("activeDeadlineSeconds = 0", "must be at least 0.01 seconds, got '0'"),
    ("name = Not_A_Label", None)])
def test_a_bad_value_of_the_pod_is_told(refused, line, why):
    key = line.partition(" ")[0]
    text = GOOD.replace("name = p", line)
    errors = refused(text)
    assert len(errors) == 1 and f"pod: {key}: " in errors[0]
    assert why is None or errors == [f"2: pod: {key}: {why}"]


@pytest.mark.parametrize("key", ["envFile = /x", "image = nginx", "log.path = /x", "log.format = json"])
def test_a_key_that_is_not_supported_yet_is_refused_not_ignored(refused, key):
    name = key.partition(" ")[0]
    assert refused(GOOD + key + "\n") == [f"6: main m: {name}: not supported yet"]


def test_a_line_of_100_kb_is_refused_where_it_stands(refused):
    errors = refused(GOOD + "env = A=" + "x" * 100_000 + "\nbad = 1\n")
    assert errors[0] == "6: line longer than 65535 bytes"
    assert errors[1].startswith("7: main m: bad: unknown key")
    assert len(errors) == 2


def test_a_section_name_of_60_characters_is_refused_not_cut(refused):
    errors = refused(GOOD + f"[main {'a' * 55}]\ncommand = true\n")
    assert errors == ["6: [main aaaaaaaaaaaaaaa...: longer than 49 bytes"]


def test_a_key_of_60_characters_is_refused_not_cut(refused):
    assert refused(GOOD + "k" * 60 + " = x\n") == \
        ["6: key kkkkkkkkkkkkkkkkkkkk...: longer than 49 bytes"]


def test_nul_bytes_are_refused_where_they_stand(refused):
    errors = refused(GOOD.encode() + b"env = A=x\0y\n\0\n")
    assert errors == ["6: a NUL byte in the line", "7: a NUL byte in the line"]


def test_windows_line_ends_are_refused_once(refused):
    errors = refused(GOOD.replace("\n", "\r\n"))
    assert errors == ["1: the line ends with a carriage return; save the file with Unix line ends"]


def test_a_byte_order_mark_is_refused_and_the_file_read_on(refused):
    errors = refused("\ufeff" + GOOD + "bad = 1\n")
    assert errors[0] == "1: a byte order mark begins the file; save it as UTF-8 without one"
    assert errors[1].startswith("6: main m: bad: ") and len(errors) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "; only a comment\n", "[pod]\nname = p\n",
                                  "[init i]\ncommand = true\n"])
def test_a_file_without_a_main_is_refused(refused, text):
    errors = refused(text)
    assert len(errors) == 1
    assert errors[0].endswith("no [main NAME] section: nothing to run")


def test_a_missing_file_is_told_by_its_name(refused, tmp_path):
    for path in (tmp_path / "nope.ini", tmp_path / "nope" / "pod.ini"):
        assert refused("", path) == [f"{path}: No such file or directory"]


def test_a_directory_without_ini_files_is_refused(refused, tmp_path):
    directory = tmp_path / "pod.d"
    directory.mkdir()
    for name in ("pod.conf", ".hidden.ini", "ini", ".ini"):
        (directory / name).write_text(GOOD)
    assert refused("", directory) == [f"{directory}: no *.ini file in this directory"]


def test_10000_sections_are_refused_in_a_moment(refused):
    errors = refused(GOOD + "".join(f"[main m{n}]\ncommand = true\n" for n in range(10_000)))
    assert errors == ["8196: more than 4096 processes"]


def test_10000_volumes_and_10000_bad_sections_are_refused_too(refused):
    errors = refused(GOOD + "".join(f"[volume v{n}]\nemptyDir =\n" for n in range(10_000)))
    assert len(errors) == 1 and errors[0].endswith("more than 1024 volumes")
    errors = refused(GOOD + "".join(f"[task t{n}]\n" for n in range(10_000)))
    assert len(errors) == 10_000


def test_every_error_of_a_file_is_told_in_one_go_with_line_section_and_key(refused):
    errors = refused("""name = early
[pod]
restartPolicy = Perhaps
readinessGates = x
[volume v]
[volume w]
emptyDir =
hostPath.path = /
[job x]
what = ever
[init i]
command = true
restartPolicy = Always
[sidecar Bad_Name]
command = true
[main m]
comand = touch {touched}
volumeMounts = nope:/x
volumeMounts = w:/y
volumeMounts = w:/y
env = A
env = B=1
just words
[main m]
[main open
""")
    told = [error.split(": ")[0] for error in errors]
    wanted = ["1", "3", "4", "5", "6", "9", "11", "14", "16", "17", "18", "20", "21", "23", "24", "25"]
    assert sorted(told, key=int) == wanted, "\n".join(errors)


def test_an_error_names_the_file_of_a_directory_that_it_stands_in(tmp_path):
    for name, text in (("10-a.ini", "[main a]\ncommand = true\nbad = 1\n"),
                       ("20-b.ini", "[main b]\ncommand = true\n\nbad = 2\n[main a]\n")):
        (tmp_path / name).write_text(text)
    ended = podinit("--check", "-c", tmp_path)
    assert ended.returncode == 125
    errors = ended.stderr.splitlines()
    assert errors[0].startswith(f"{tmp_path}/10-a.ini:3: main a: bad: ")
    assert errors[1].startswith(f"{tmp_path}/20-b.ini:4: main b: bad: ")
    assert errors[2] == f"{tmp_path}/20-b.ini:5: main a: name already used in {tmp_path}/10-a.ini:1"
    assert len(errors) == 4
