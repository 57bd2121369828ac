"""`watch`: who reads a file or a directory is told when that has changed, once, and nobody else is."""

import ctypes
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest

from config_map import ConfigMap
from pods import PLAIN, SANDBOX, UNSHARE, descendants, is_running, polite, read, until

HEAD = "[pod]\nname = test\nterminationGracePeriodSeconds = 5\n"
TOLD = "sh -c 'trap \"echo told\" HUP; echo ready; while :; do sleep 0.05; done'"
HUP = "lifecycle.reload.signal = HUP"


def main(name, *keys, command="sleep 1000", kind="main"):
    return f"\n[{kind} {name}]\ncommand = {command}\n" + "".join(f"{key}\n" for key in keys)


def lookouts(pod):
    """Those that know what there is, by outer number."""
    return {pid for pid in descendants(pod.inner)
            if is_running(pid) and read(f"/proc/{pid}/comm") == "podinit-watch\n"}


def watching(pod, count=1, but=()):
    """Waits until so many look, besides those."""
    until(lambda: len(lookouts(pod) - set(but)) == count or pod.code is not None, f"{count} look")
    return lookouts(pod)


def start(pods, ini, count=1, **how):
    """Starts a pod, and waits until a change would be seen."""
    pod = pods.start(HEAD + ini, **how)
    watching(pod, count)
    return pod


def reloads(pod, name="m"):
    return len(pod.events(reason="Reloading", process=name))


def reloaded(pod, count=1, name="m"):
    """Waits for it to be told for the count-th time; and it was not told more often."""
    pod.event(count, reason="Reloading", process=name)
    assert reloads(pod, name) == count, pod.output()


@pytest.fixture
def conf(tmp_path):
    directory = tmp_path / "conf"
    directory.mkdir()
    (directory / "a").write_text("a")
    return directory


# --- what follows from a change ---


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE, PLAIN])
def test_a_signal_where_one_is_said(pods, conf, how):
    pod = start(pods, main("m", f"watch = {conf}", HUP, command=TOLD) + main("other"), how=how)
    pod.says("ready")
    pod.running("m", "other")
    (conf / "a").write_text("b")
    reloaded(pod)
    pod.says(f"m: {conf} has changed")
    until(lambda: read(pod.out).count("told") == 1, "it got the signal")
    (conf / "new").touch()
    reloaded(pod, 2)
    assert len(pod.events(reason="Started")) == 2 and not pod.events(reason="Reloading", process="other")
    pod.stop()
    assert not pod.survivors() and not pod.events(reason="Leftover")


def test_a_command_where_one_is_said(pods, conf):
    directory = pods.make_directory()
    pod = start(pods, main("m", f"watch = {conf}", "lifecycle.reload.exec.command = "
                           f"sh -c 'cat {conf}/a >>{directory}/read'"))
    for word in ("one\n", "two\n"):
        (conf / "a").write_text(word)
        until(lambda: read(directory / "read").endswith(word), "the command has run")
    assert read(directory / "read") == "one\ntwo\n"
    pod.stop()


@pytest.mark.parametrize("policy", ["Always", "Never"])
def test_another_instance_where_nothing_is_said(pods, conf, policy):
    ini = main("m", f"watch = {conf}", f"restartPolicy = {policy}", command=polite("m")) + main("other")
    pod = start(pods, ini, control=True)
    pod.running("other")
    old = set()
    for number in range(1, 4):
        old |= watching(pod, 1, but=old)
        (conf / "a").write_text(str(number))
        pod.event(number + 1, reason="Started", process="m")
    assert len(pod.events(reason="Killing", process="m")) == 3
    assert pod.container("m")["restartCount"] == 3
    assert pod.container("other")["restartCount"] == 0
    watching(pod, 1, but=old)
    pod.stop()


def test_who_watches_the_same_is_told_each_in_its_way(pods, conf):
    pod = start(pods, main("s", f"watch = {conf}", kind="sidecar") +
                main("m", f"watch = {conf}", HUP, command=TOLD) + main("n", f"watch = {conf}/a", HUP, command=TOLD) +
                main("other", f"watch = {conf.parent}/nothing"), 4)
    until(lambda: read(pod.out).count("ready") == 2, "they have their traps")
    (conf / "a").write_text("b")
    pod.event(2, reason="Started", process="s")
    reloaded(pod, 1, "m")
    reloaded(pod, 1, "n")
    assert len(pod.events(reason="Started")) == 5
    pod.stop()


@pytest.mark.parametrize("view", ["", "securityContext.readOnlyRootFilesystem = true"])
def test_nothing_is_left_of_those_who_looked(pods, conf, view):
    pod = start(pods, main("m", f"watch = {conf}", view), how=UNSHARE)
    before, old = len(os.listdir(f"/proc/{pod.inner}/fd")), set()
    for number in range(1, 6):
        old |= watching(pod, 1, but=old)
        (conf / "a").write_text(str(number))
        pod.event(number + 1, reason="Started", process="m")
    watching(pod, 1, but=old)
    until(lambda: len(pod.processes()) == 2, "two are left")
    assert len(os.listdir(f"/proc/{pod.inner}/fd")) == before
    pod.stop()
    assert not pod.survivors() and not pod.events(reason="Leftover")


# --- what is a change, and how often it is one ---


@pytest.mark.parametrize("pause", [0, 0.4])
def test_the_swap_of_a_config_map_is_one_change(pods, tmp_path, pause):
    """However long the kubelet takes for its steps."""
    config = ConfigMap(tmp_path / "map", a="first", b="first")
    pod = start(pods, main("m", f"watch = {config.directory}", HUP, command=TOLD) +
                main("n", f"watch = {config.directory}/a", HUP, command=TOLD), 2)
    until(lambda: read(pod.out).count("ready") == 2, "they have their traps")
    config.pause = pause
    for number in range(1, 4):
        config.write(a=str(number), b=str(number))
        reloaded(pod, number, "m")
        reloaded(pod, number, "n")
    pod.stop()


def test_a_burst_is_one_change(pods, conf):
    pod = start(pods, main("m", f"watch = {conf}", HUP, command=TOLD))
    for number in range(60):
        (conf / f"file{number % 7}").write_text(str(number))
        time.sleep(0.015)  # that is what makes it a burst
    reloaded(pod)
    (conf / "a").write_text("later")
    reloaded(pod, 2)
    pod.stop()


def test_what_never_stops_is_told_all_the_same(pods, conf):
    pod = start(pods, main("m", f"watch = {conf}", HUP, command=TOLD))
    over = threading.Event()

    def write():
        while not over.wait(0.03):
            (conf / "a").write_text(str(time.monotonic()))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        began = time.monotonic()
        pod.event(2, reason="Reloading", process="m")
        assert time.monotonic() - began > 2  # but not at each
    finally:
        over.set()
        writer.join()
    pod.stop()


@pytest.mark.parametrize("change", [
    lambda conf: (conf / "a").touch(),
    lambda conf: (conf / "a").chmod(0o600),
    lambda conf: (conf / "a").unlink(),
    lambda conf: (conf / "a").rename(conf / "b"),
    lambda conf: (conf / "a").rename(conf.parent / "a"),
    lambda conf: (conf / "directory").mkdir(),
    lambda conf: (conf / "link").symlink_to("a"),
    lambda conf: os.truncate(conf / "a", 0),
    lambda conf: shutil.rmtree(conf),
    lambda conf: conf.rename(conf.parent / "elsewhere"),
], ids=["touched", "mode", "deleted", "renamed", "moved", "directory", "link", "truncated", "gone", "dir-moved"])
def test_what_counts(pods, conf, change):
    pod = start(pods, main("m", f"watch = {conf}", HUP, command=TOLD))
    change(conf)
    reloaded(pod)
    pod.stop()


def test_what_does_not_count(pods, conf):
    below = conf / "below"
    below.mkdir()
    (below / "file").write_text("x")
    pod = start(pods, main("m", f"watch = {conf}", f"watch = {conf.parent}/alone", HUP, command=TOLD))
    (conf / "a").read_text()
    os.listdir(conf)
    (below / "file").write_text("y")
    (below / "more").touch()
    (conf.parent / "beside").write_text("not watched")
    (conf / "..hidden").write_text("not seen")
    # What was seen of that would have come before this, or with it.
    time.sleep(1)
    assert not reloads(pod)
    (conf.parent / "alone").touch()
    reloaded(pod)
    pod.says(f"m: {conf.parent}/alone has changed")
    assert f"m: {conf} " not in pod.output()
    pod.stop()


# --- paths ---


def test_a_file_that_is_replaced_as_editors_do(pods, conf):
    pod = start(pods, main("m", f"watch = {conf}/a", HUP, command=TOLD))
    for number in range(1, 4):
        (conf / "new").write_text(str(number))
        (conf / "new").rename(conf / "a")
        reloaded(pod, number)
        (conf / "other").write_text(str(number))  # nobody asked for that one
    (conf / "a").write_text("in place")
    reloaded(pod, 4)
    pod.stop()


def test_deleted_and_made_again(pods, conf):
    pod = start(pods, main("m", f"watch = {conf}", HUP, command=TOLD))
    for number in (1, 4):
        shutil.rmtree(conf)
        reloaded(pod, number)
        conf.mkdir()
        reloaded(pod, number + 1)
        (conf / "a").write_text("again")
        reloaded(pod, number + 2)
    pod.stop()


@pytest.mark.parametrize("path", ["x", "x/y/z/file"])
def test_missing_at_the_start(pods, tmp_path, path):
    wanted = tmp_path / "there" / path
    pod = start(pods, main("m", f"watch = {wanted}", HUP, command=TOLD))
    pod.says(f"m: watch: {wanted}: No such file or directory; looked for again")
    wanted.parent.mkdir(parents=True)
    wanted.write_text("there")
    reloaded(pod)
    wanted.write_text("again")
    reloaded(pod, 2)
    pod.stop()


def test_a_link_is_what_it_leads_to(pods, tmp_path):
    """On the way, at its end, and in a directory."""
    for name in ("one", "two", "far"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    way, end, enabled = tmp_path / "way", tmp_path / "end", tmp_path / "enabled"
    way.symlink_to("one")
    end.symlink_to(tmp_path / "way/file")
    enabled.mkdir()
    (enabled / "site").symlink_to("../far/file")
    pod = start(pods, main("m", f"watch = {end}", f"watch = {enabled}", HUP, command=TOLD))
    (tmp_path / "one/file").write_text("in place")
    reloaded(pod, 1)
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(way)
    reloaded(pod, 2)
    (tmp_path / "one/file").write_text("nobody's")
    (tmp_path / "two/file").write_text("in place")
    reloaded(pod, 3)
    (tmp_path / "far/file").write_text("in place")
    reloaded(pod, 4)
    assert pod.output().count(f"m: {enabled} has changed") == 1
    pod.stop()


def twins(directory):
    """Two files that only their names tell apart, as a whole release is unpacked within one tick of the clock."""
    def kind(status):
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns

    files = [directory / name / "file" for name in ("blue", "green")]
    for file in files:
        file.parent.mkdir()

    def made():
        for file in files:  # new ones: the clock is finer for a file that somebody has looked at
            file.unlink(missing_ok=True)
        for file in files:
            os.mknod(file)
        return kind(files[0].stat()) == kind(files[1].stat())
    until(made, "both are made at the same time")


def test_a_link_that_leads_elsewhere_is_a_change_however_alike_the_files(pods, tmp_path):
    twins(tmp_path)
    current, enabled = tmp_path / "current", tmp_path / "enabled"
    current.symlink_to("blue")
    enabled.mkdir()
    (enabled / "site").symlink_to("../current/file")
    pod = start(pods, main("m", f"watch = {current}/file", HUP, command=TOLD)
                + main("n", f"watch = {enabled}", HUP, command=TOLD)
                + main("o", f"watch = {current}", HUP, command=TOLD), 3)
    until(lambda: read(pod.out).count("ready") == 3, "they have their traps")
    (tmp_path / "new").symlink_to("green")
    (tmp_path / "new").rename(current)
    for name in ("m", "n", "o"):
        reloaded(pod, 1, name)
    pod.stop()


def test_a_loop_of_links_is_no_path(pods, tmp_path):
    (tmp_path / "x").symlink_to("y")
    (tmp_path / "y").symlink_to("x")
    pod = start(pods, main("m", f"watch = {tmp_path}/x", HUP, command=TOLD))
    pod.says(f"m: watch: {tmp_path}/x: Too many levels of symbolic links")
    (tmp_path / "y").unlink()
    (tmp_path / "y").touch()
    pod.running("m")
    # That it can be seen now is no change: nobody knows what it was.
    watching(pod)
    assert not reloads(pod)
    pod.stop()


def test_a_pod_of_another_user(open_pods):
    """In a user namespace of its own."""
    conf = open_pods.directory / "conf"
    conf.mkdir()
    os.chown(conf, 1000, 1000)
    pod = start(open_pods, main("m", f"watch = {conf}", "securityContext.readOnlyRootFilesystem = true", HUP,
                                command=TOLD), prefix=["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"])
    pod.says("ready")
    (conf / "a").write_text("x")
    reloaded(pod)
    pod.stop()


VIEWS = {"shared": "", "own": "shareProcessNamespace = false\n"}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("more", ["", "securityContext.readOnlyRootFilesystem = true\n"])
def test_a_volume_is_watched_as_the_process_sees_it(pods, tmp_path, view, more):
    """The path is nowhere but in the process's own view."""
    shared, secret = tmp_path / "shared", tmp_path / "etc"
    shared.mkdir()
    secret.mkdir()
    ini = (HEAD + VIEWS[view] + f"\n[volume conf]\nhostPath.path = {shared}\n" +
           main("m", f"volumeMounts = conf:{secret}:ro", f"watch = {secret}", HUP + "\n" + more, command=TOLD) +
           main("other", f"watch = {secret}", HUP))
    pod = pods.start(ini, how=UNSHARE)
    watching(pod, 2)
    config = ConfigMap(shared, a="first")
    reloaded(pod)
    config.write(a="more")
    reloaded(pod, 2)
    assert not reloads(pod, "other")
    (secret / "mine").touch()
    reloaded(pod, 1, "other")
    assert reloads(pod) == 2
    pod.stop()


def test_a_root_of_its_own(pods, tmp_path):
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    for name in ("bin", "lib", "lib64", "usr"):
        (root / name).mkdir()
    volumes = "".join(f"\n[volume {name}]\nhostPath.path = /{name}\n" for name in ("usr", "bin", "lib", "lib64"))
    mounts = "volumeMounts = usr:/usr:ro bin:/bin:ro lib:/lib:ro lib64:/lib64:ro"
    pod = start(pods, volumes + main("m", f"rootfs = {root}", "\n".join(
        f"volumeMounts = {mount}" for mount in mounts.partition("= ")[2].split()), "watch = /etc/app", HUP))
    (root / "etc/app").write_text("x")
    reloaded(pod)
    pod.stop()


def test_what_only_its_user_may_see(open_pods):
    conf = open_pods.directory / "conf"
    conf.mkdir()
    (conf / "a").touch()
    os.chown(conf, 1000, 1000)
    conf.chmod(0o700)
    pod = start(open_pods, main("m", f"watch = {conf}", "securityContext.runAsUser = 1000",
                                "securityContext.capabilities.drop = ALL", HUP, command=TOLD))
    pod.says("ready")
    (conf / "a").write_text("x")
    reloaded(pod)
    assert "Permission denied" not in pod.output()
    pod.stop()


def test_a_daemon_is_watched_for_when_its_program_has_ended(pods, conf):
    pod = start(pods, main("m", f"watch = {conf}", HUP, "daemon = true",
                           command="sh -c 'setsid sh -c \"trap \\\"echo told\\\" HUP; echo ready; "
                                   "while :; do sleep 0.05; done\" & sleep 0.2'"))
    pod.event(reason="Adopted", process="m")
    first = lookouts(pod)
    (conf / "a").write_text("x")
    reloaded(pod)
    pod.says("told")
    assert lookouts(pod) == first
    pod.stop()
    assert not pod.survivors()


# --- SIGHUP: the pod's file is read again ---


def reread(pod, ini):
    done = pod.output().count("reload: done")
    (pod.directory / "new").write_text(HEAD + ini)
    (pod.directory / "new").rename(pod.directory / "pod.ini")
    pod.signal(signal.SIGHUP)
    until(lambda: pod.output().count("reload: done") > done or pod.code is not None, "it is done")
    return pod.output().rpartition("reload: done: ")[2].partition("\n")[0]


def test_a_watch_that_comes_changes_and_goes(pods, conf, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    pod = pods.start(HEAD + main("m", HUP, command=TOLD) + main("n"), how=UNSHARE)
    pod.says("ready")
    live = "0 restarted, 0 new, 0 removed, 1 changed in place"
    assert reread(pod, main("m", HUP, f"watch = {conf}", command=TOLD) + main("n")) == live
    first = watching(pod)
    (conf / "a").write_text("1")
    reloaded(pod)
    assert reread(pod, main("m", HUP, f"watch = {other}", command=TOLD) + main("n")) == live
    second = watching(pod, 1, but=first)
    (conf / "a").write_text("2")
    (other / "a").write_text("2")
    reloaded(pod, 2)
    pod.says(f"m: {other} has changed")
    # In another place of the file, and told another way.
    assert reread(pod, main("x", f"watch = {conf}") + main("n") +
                  main("m", f"watch = {other}", HUP.replace("HUP", "USR1"), command=TOLD.replace("HUP", "USR1"))) \
        .startswith("1 restarted, 1 new")
    watching(pod, 2, but=second)
    (other / "a").write_text("3")
    reloaded(pod, 3)
    # Nobody watches any more.
    reread(pod, main("x") + main("n") + main("m", HUP, command=TOLD))
    until(lambda: not lookouts(pod), "nobody looks")
    assert len(pod.events(reason="Started", process="n")) == 1
    pod.stop()


def test_who_has_moved_is_the_one_that_is_told(pods, conf):
    ini = main("m", f"watch = {conf}", HUP, command=TOLD)
    pod = start(pods, ini, how=UNSHARE)
    first = lookouts(pod)
    assert reread(pod, main("a") + main("b") + ini) == "0 restarted, 2 new, 0 removed, 0 changed in place"
    assert lookouts(pod) == first
    (conf / "a").write_text("x")
    reloaded(pod)
    assert len(pod.events(reason="Started")) == 3
    pod.stop()


def test_the_first_watch_of_one_that_has_a_view_restarts_it(pods, conf):
    """What it takes to see as it sees is taken at its birth."""
    volume = f"\n[volume v]\nhostPath.path = {conf}\n"
    keys = (f"volumeMounts = v:{conf.parent}/mnt", HUP)
    pod = pods.start(HEAD + volume + main("m", *keys, command=TOLD), how=UNSHARE)
    pod.says("ready")
    ini = volume + main("m", *keys, f"watch = {conf.parent}/mnt", command=TOLD)
    assert reread(pod, ini).startswith("1 restarted")
    pod.says("reload: main m: nothing ran beside it so far (restart)")
    watching(pod)
    (conf / "a").write_text("x")
    reloaded(pod)
    pod.stop()


# --- what goes wrong ---


def test_the_queue_of_the_kernel_overflows(pods, conf):
    pod = start(pods, main("m", f"watch = {conf}", HUP, command=TOLD))
    [lookout] = lookouts(pod)
    room = int(read("/proc/sys/fs/inotify/max_queued_events"))
    os.kill(lookout, signal.SIGSTOP)
    for number in range(room // 2 + 100):  # each is opened, made, closed
        os.close(os.open(conf / f"{number}", os.O_CREAT | os.O_WRONLY))
        if number % 2:
            os.unlink(conf / f"{number}")
    (conf / "a").write_text("the last of all")
    os.kill(lookout, signal.SIGCONT)
    reloaded(pod)
    (conf / "a").write_text("later")
    reloaded(pod, 2)
    pod.stop()


@pytest.mark.parametrize("limit, number, error", [
    ("instances", 0, "Too many open files"), ("watches", 1, "No space left on device")])
def test_no_inotify_is_left(open_pods, limit, number, error):
    """Then it takes longer."""
    conf = open_pods.directory / "conf"
    conf.mkdir()
    limited = ["unshare", "--user", "--map-root-user", "sh", "-c",
               f'echo {number} >/proc/sys/user/max_inotify_{limit} && exec "$@"', "sh"]
    pod = start(open_pods, main("m", f"watch = {conf}", HUP, command=TOLD), how=PLAIN, prefix=limited)
    line = f"m: watch: {conf}: the kernel has no more inotify for it ({error}); looked at every 10 s"
    pod.says(line)
    (conf / "a").write_text("x")
    reloaded(pod)
    assert pod.output().count(line) == 1
    pod.stop()


def test_something_is_mounted_over_it(pods, conf):
    """Of which inotify says nothing."""
    pod = start(pods, main("m", f"watch = {conf}", HUP, command=TOLD))
    subprocess.run(["nsenter", "-t", str(pod.outer("m")), "-m", "mount", "-t", "tmpfs", "none", conf], check=True)
    reloaded(pod)
    subprocess.run(["nsenter", "-t", str(pod.outer("m")), "-m", "touch", conf / "b"], check=True)
    reloaded(pod, 2)
    pod.stop()


def test_who_looks_is_killed(pods, conf):
    pod = start(pods, main("m", f"watch = {conf}", HUP, command=TOLD))
    [lookout] = lookouts(pod)
    os.kill(lookout, signal.SIGKILL)
    pod.says("m: who watches for it was killed by SIGKILL; begins again in 10 s")
    watching(pod, 1, but=[lookout])
    (conf / "a").write_text("x")
    reloaded(pod)
    pod.stop()


@pytest.fixture
def hanging(tmp_path):
    """A file system that never answers."""
    path = tmp_path / "hangs"
    path.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    assert libc.mount(b"hangs", str(path).encode(), b"fuse", 0, options) == 0, os.strerror(ctypes.get_errno())
    yield path
    detach = 2
    libc.umount2(str(path).encode(), detach)
    os.close(fuse)


def test_a_file_system_that_hangs_holds_nobody_else_up(pods, conf, hanging):
    pod = pods.start(HEAD + main("hung", f"watch = {hanging}/x", HUP) +
                     main("m", f"watch = {conf}", HUP, command=TOLD), how=PLAIN, control=True)
    pod.running("hung", "m")
    watching(pod)
    (conf / "a").write_text("x")
    reloaded(pod)
    assert pod.container("hung")["state"]["running"]
    began = time.monotonic()
    pod.stop()
    assert time.monotonic() - began < 5 and not pod.survivors()
