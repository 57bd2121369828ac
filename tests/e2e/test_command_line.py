"""The options of podinit that run nothing, and the ways to name a pod."""

import subprocess

import pytest

from pods import PODINIT, ROOT, UNSHARE, podinit, until

INI = "[pod]\nname = p\nrestartPolicy = Never\n[main m]\ncommand = touch {touched}\n"


@pytest.mark.parametrize("option, text", [
    ("--help", "usage: podinit [OPTION...]"), ("-h", "usage: podinit [OPTION...]"),
    ("--version", "podinit "), ("-V", "podinit "), ("--keys", "[pod]\n  name (")])
def test_what_is_asked_for_goes_to_standard_output_and_is_0(option, text):
    ended = podinit(option)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert text in ended.stdout


def test_every_key_of_the_table_is_known_to_the_reader(tmp_path):
    section, keys = None, []
    for line in podinit("--keys").stdout.splitlines():
        if line.startswith("["):
            section = line.split()[0].strip("[]")
        elif line.startswith("  ") and line[2] != " ":
            keys.append((section, line.split()[0], "main only" in line or "sidecar and" in line))
    assert len(keys) > 100
    file = tmp_path / "pod.ini"
    for kind in ("pod", "volume", "init"):
        header = {"pod": "[pod]", "volume": "[volume v]", "init": "[main m]"}[kind]
        lines = [f"{key} = \x01" for section, key, _ in keys if section == kind]
        assert lines
        file.write_text("\n".join([header, *lines]) + "\n")
        assert "unknown key" not in podinit("--check", "-c", file).stderr


def test_plan_says_what_would_run_and_runs_nothing(tmp_path):
    touched = tmp_path / "touched"
    (tmp_path / "pod.ini").write_text(
        INI.format(touched=touched) + "[init first]\ncommand = true\n[sidecar s]\ncommand = sleep 9\n"
        "lifecycle.stopSignal = INT\n")
    ended = podinit("--plan", "-c", tmp_path / "pod.ini")
    assert (ended.returncode, ended.stderr) == (0, "")
    order = [ended.stdout.index(f"{name}: ") for name in ("init first", "sidecar s", "main m")]
    assert order == sorted(order)
    assert f"touch {touched}" in ended.stdout and "SIGINT" in ended.stdout
    assert not touched.exists()


def test_standard_input_is_a_pod_too(tmp_path):
    touched = tmp_path / "touched"
    ended = podinit("--no-control", "-c", "-", stdin=INI.format(touched=touched))
    assert ended.returncode == 0
    assert touched.exists()
    assert podinit("-c", "-", stdin="bad\n").stderr.startswith("standard input:1: ")


def test_a_directory_is_read_in_the_order_of_its_names(pods, tmp_path):
    directory = tmp_path / "pod.d"
    directory.mkdir()
    out = tmp_path / "out"
    for name, text in (
            ("20-b.ini", f"[init b]\ncommand = sh -c 'echo b >> {out}'\n"),
            ("9-z.ini", f"[init z]\ncommand = sh -c 'echo z >> {out}'\n"),
            ("10-a.ini", f"[pod]\nrestartPolicy = Never\n[init a]\ncommand = sh -c 'echo a >> {out}'\n"),
            ("a.ini", "[main m]\ncommand = true\n"), ("ignored.txt", "nonsense\n")):
        (directory / name).write_text(text)
    pod = pods.with_arguments("--no-control", "-c", directory)
    assert pod.wait() == 0
    assert out.read_text() == "a\nb\nz\n"


def test_relative_paths_start_at_the_file(pods, tmp_path):
    directory = tmp_path / "pod.d"
    directory.mkdir()
    (directory / "pod.ini").write_text("[pod]\nrestartPolicy = Never\n[main m]\n"
                                       "command = sh -c 'echo x > /mnt/file'\nvolumeMounts = v:/mnt\n"
                                       "[volume v]\nhostPath.path = data\n"
                                       "hostPath.type = DirectoryOrCreate\n")
    assert podinit("--no-control", "-c", "pod.d/pod.ini", cwd=tmp_path).returncode == 0
    assert (directory / "data/file").exists()


def test_options_stop_at_the_program(pods):
    pod = pods.program("echo", "--help", "-c", "--", "x", options=["-q"])
    assert pod.wait() == 0
    assert pod.out.read_text() == "--help -c -- x\n"
    pod = pods.with_arguments("--no-control", "echo", "-h", "--sandbox")
    assert pod.wait() == 0
    assert pod.out.read_text() == "-h --sandbox\n"


def test_without_anything_to_run_it_holds_the_namespaces_and_reaps(pods):
    pod = pods.with_arguments("--socket", pods.directory / "s", how=UNSHARE,
                              prefix=["sh", "-c", 'mount -t tmpfs none /etc && exec "$0" "$@"'])
    until(lambda: (pods.directory / "s").exists(), "podinit serves")
    # A process that joins the namespace and leaves a child behind: podinit adopts and reaps it.
    inside = ["nsenter", "-t", str(pod.inner), "-p", "-m"]
    subprocess.run([*inside, "sh", "-c", "sleep 0.1 & exit 0"], check=True)
    pod.socket = str(pods.directory / "s")
    until(lambda: pod.status()["podinit"]["orphansReaped"] == 1, "the orphan is reaped")
    assert pod.status()["phase"] == "Running"
    assert pod.stop() == 0


def test_the_usual_file_is_read_where_nothing_is_named(pods):
    prefix = ["sh", "-c", "mount -t tmpfs none /etc && mkdir /etc/podinit && printf '[pod]\\n"
              "restartPolicy = Never\\n[main m]\\ncommand = sh -c \"exit 6\"\\n' > "
              '/etc/podinit/pod.ini && exec "$0" "$@"']
    pod = pods.with_arguments("--no-control", how=UNSHARE, prefix=prefix)
    assert pod.wait() == 6


def test_the_binary_is_static():
    ended = subprocess.run(["file", "-b", PODINIT], capture_output=True, text=True)
    assert ended.returncode != 0 or "static" in ended.stdout


@pytest.mark.parametrize("file", sorted((ROOT / "conf").glob("*.ini")), ids=lambda file: file.name)
def test_every_example_file_is_good(file):
    ended = podinit("--check", "-c", file)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert podinit("--plan", "-c", file).stdout.startswith("Pod ")
