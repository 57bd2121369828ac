"""Volumes: hostPath of every type, emptyDir, read-only, subPath; and what is left of them."""

import os
import socket
import stat

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, never, podinit

WAYS = [SANDBOX, UNSHARE, PLAIN]


def pod_with(volume, *mains, mount="v:/mnt"):
    """Each main has the volume."""
    ini = never(*mains).replace("\n[main", f"\nvolumeMounts = {mount}\n[main")
    head, _, rest = ini.partition(f"\nvolumeMounts = {mount}\n")
    return f"{head}\n{rest}volumeMounts = {mount}\n[volume v]\n{volume}\n"


def make(kind, path):
    if kind == "Directory":
        path.mkdir()
    elif kind == "File":
        path.write_text("a file\n")
    elif kind == "Socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "CharDevice":
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    elif kind == "BlockDevice":
        os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 0))
    elif kind == "FIFO":
        os.mkfifo(path)


# What a hostPath.type accepts, and what it says of anything else.
TYPES = {"Directory": ("Directory", "is not a directory"),
         "DirectoryOrCreate": ("Directory", "is not a directory"),
         "File": ("File", "is not a file"), "FileOrCreate": ("File", "is not a file"),
         "Socket": ("Socket", "is not a socket"),
         "CharDevice": ("CharDevice", "is not a character device"),
         "BlockDevice": ("BlockDevice", "is not a block device")}
THINGS = ["Directory", "File", "Socket", "CharDevice", "BlockDevice"]


@pytest.mark.parametrize("kind", TYPES)
def test_a_host_path_of_its_type_is_mounted(pods, kind):
    thing, _ = TYPES[kind]
    path, target = pods.directory / "thing", pods.directory / "target"
    make(thing, path)
    ini = pod_with(f"hostPath.path = {path}\nhostPath.type = {kind}",
                   f"one: stat -c %F:%i {target}", mount=f"v:{target}")
    result = pods.run(ini)
    assert result.code == 0
    assert f":{path.stat().st_ino}\n" in result.output
    assert not target.exists()  # the mount point was podinit's own


@pytest.mark.parametrize("kind", TYPES)
def test_a_host_path_of_another_type_is_refused_by_the_name_of_its_volume(pods, kind):
    thing, why = TYPES[kind]
    for other in THINGS + ["FIFO"]:
        if other == thing:
            continue
        path, touched = pods.directory / other, pods.directory / "touched"
        if not path.exists():
            make(other, path)
        pod = pods.start(pod_with(f"hostPath.path = {path}\nhostPath.type = {kind}",
                                  f"one: touch {touched}"))
        assert pod.wait() == 125
        file = pod.directory / "pod.ini"
        line = file.read_text().split("\n").index("[volume v]") + 1
        assert f"{file}:{line}: volume v: hostPath {path}: {why}\n" in pod.output()
        assert not touched.exists()


@pytest.mark.parametrize("kind", ["", *TYPES])
def test_a_host_path_that_is_missing_is_made_or_refused(pods, kind):
    path = pods.directory / "a" / "b"
    line = f"hostPath.type = {kind}" if kind else ""
    result = pods.run(pod_with(f"hostPath.path = {path}\n{line}", "one: stat -c %F /mnt",
                               mount=f"v:{pods.directory}/target").replace(
                                   "/mnt", f"{pods.directory}/target"))
    if kind.endswith("OrCreate"):
        assert result.code == 0
        assert path.is_dir() == kind.startswith("Directory")
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
    else:
        assert result.code == 125
        assert f"volume v: hostPath {path}: No such file or directory" in result.output
        assert not path.parent.exists()


def test_a_host_path_is_relative_to_its_file(pods):
    pod = pods.start(pod_with("hostPath.path = data\nhostPath.type = DirectoryOrCreate",
                              "one: sh -c 'echo x > /mnt/file'"))
    assert pod.wait() == 0
    assert (pod.directory / "data/file").read_text() == "x\n"


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("volume", ["emptyDir =", "emptyDir.medium = Memory"])
def test_an_empty_dir_is_shared_by_the_processes_and_gone_with_the_pod(pods, how, volume):
    ini = pod_with(volume, "two: sh -c 'cat /mnt/from-init; stat -f -c %T /mnt; "
                   "grep \" /mnt \" /proc/self/mountinfo'") \
        + "[init one]\nvolumeMounts = v:/mnt\n" \
          "command = sh -c 'test -z \"$(ls -A /mnt)\" && echo hello from init > /mnt/from-init'\n"
    result = pods.run(ini, how=how)
    assert result.code == 0, result.output
    assert "hello from init\n" in result.output
    assert ("tmpfs\n" in result.output) == ("Memory" in volume)
    mounts = [line for line in result.output.splitlines() if " /mnt " in line]
    assert len(mounts) == 1
    # Where it was on the machine: nothing of it is left.
    if "Memory" in volume:
        assert "podinit" in mounts[0]
    else:
        scratch = "/" + mounts[0].split()[3].lstrip("/").removesuffix("/v")
        assert "/podinit-" in scratch
        assert not os.path.exists(scratch)


@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
def test_an_empty_dir_full_of_odd_things_is_gone_with_the_pod(pods, how):
    script = "cd /mnt && mkdir -p a/b/c/d dark && touch a/b/file dark/file && mkfifo fifo && " \
        "ln -s / root && ln -s nowhere dangling && chmod 000 dark a/b && " \
        "touch -- '-rf' ' ' && grep ' /mnt ' /proc/self/mountinfo"
    program = pods.directory / "script"
    program.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    program.chmod(0o755)
    result = pods.run(pod_with("emptyDir =", f"one: {program}"), how=how)
    assert result.code == 0, result.output
    mount = next(line for line in result.output.splitlines() if " /mnt " in line)
    assert not os.path.exists(mount.split()[3].removesuffix("/v"))
    assert os.path.exists("/etc/passwd")


@pytest.mark.parametrize("command, code", [("sh -c 'exit 5'", 5), ("true", 0), ("/nope", 127)])
def test_a_process_with_a_volume_that_ends_at_once_is_not_lost(pods, command, code):
    # podinit is late: the news that it runs and that it has ended come to it at the same time.
    calls = "epoll_wait,epoll_pwait,epoll_pwait2"
    result = pods.run(pod_with("emptyDir =", f"one: {command}"), how=PLAIN, seconds=10, prefix=[
        "strace", "-qq", "-o", "/dev/null", "-e", f"trace={calls}",
        "-e", f"inject={calls}:delay_enter=200000"])
    assert result.code == code
    ends = [event for event in result.events if "exitCode" in event]
    assert len(ends) == 1
    begun = [event["pid"] for event in result.events if event["reason"] == "Started"]
    assert begun == [event["pid"] for event in ends if "pid" in event]


def test_everyone_may_write_into_an_empty_dir(pods):
    ini = pod_with("emptyDir =", "one: setpriv --reuid=65534 --clear-groups touch /mnt/file")
    assert pods.run(ini).code == 0


def test_a_volume_is_seen_only_by_the_process_that_mounts_it(pods):
    target = pods.directory / "target"
    target.mkdir()
    (target / "below").touch()
    ini = pod_with("emptyDir =", f"one: ls {target}", mount=f"v:{target}") \
        + f"[init two]\ncommand = ls {target}\n"
    result = pods.run(ini)
    assert result.output.count("below") == 1
    assert (target / "below").exists()


def test_a_read_only_mount_cannot_be_written_and_the_other_can(pods):
    ini = pod_with("emptyDir =", "one: sh -c 'touch /mnt/x 2>&1; test $? = 1 && touch /srv/x'",
                   mount="v:/mnt:ro\nvolumeMounts = v:/srv")
    result = pods.run(ini)
    assert result.code == 0
    assert "Read-only file system" in result.output


def test_a_sub_path_is_made_and_is_all_that_is_seen(pods):
    volume = pods.directory / "volume"
    volume.mkdir(mode=0o750)
    (volume / "other").touch()
    result = pods.run(pod_with(f"hostPath.path = {volume}", "one: sh -c 'ls -A /mnt; touch /mnt/x'",
                               mount="v:/mnt:subPath=a/b"))
    assert result.code == 0
    assert "other" not in result.output
    assert (volume / "a/b/x").exists()
    assert (volume / "a").stat().st_mode & 0o777 == 0o750  # that of the volume


def test_a_sub_path_may_be_a_file(pods):
    volume = pods.directory / "volume"
    volume.mkdir()
    (volume / "conf").write_text("from the volume\n")
    target = pods.directory / "target"
    result = pods.run(pod_with(f"hostPath.path = {volume}", f"one: cat {target}",
                               mount=f"v:{target}:ro:subPath=conf"))
    assert "from the volume" in result.output
    assert not target.exists()


def test_a_link_that_a_process_put_into_a_volume_leads_nobody_out(pods):
    ini = pod_with("emptyDir =", "one: ls /srv", mount="v:/srv:subPath=link") \
        + "[init two]\nvolumeMounts = v:/mnt\ncommand = ln -s /etc /mnt/link\n"
    result = pods.run(ini)
    assert result.code == 126
    assert "passwd" not in result.output


def test_mount_points_are_made_and_removed_again_but_not_what_was_put_there(pods):
    base = pods.directory / "base"
    ini = pod_with("emptyDir =", f"one: sh -c 'echo y > {base}/kept/file'",
                   mount=f"v:{base}/a/b/c\nvolumeMounts = v:{base}/kept/d")
    assert pods.run(ini).code == 0
    assert [path.name for path in base.rglob("*")] == ["kept", "file"]


def test_every_wrong_volume_is_told_in_one_go(pods):
    ini = never("one: true") + "".join(
        f"[volume v{n}]\nhostPath.path = /nope/{n}\n" for n in range(3))
    result = pods.run(ini)
    assert result.code == 125
    assert result.output.count("No such file or directory") == 3
    assert "podinit: 3 problems; nothing was started" in result.output


def test_check_does_not_touch_volumes(tmp_path):
    (tmp_path / "pod.ini").write_text(pod_with(
        "hostPath.path = data\nhostPath.type = DirectoryOrCreate", "one: true"))
    for option in ("--check", "--plan"):
        assert podinit(option, "-c", tmp_path / "pod.ini").returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["pod.ini"]
