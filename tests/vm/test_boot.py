"""A machine from its first to its last moment: what the kernel hands to podinit, and that the machine
goes off by itself, with file systems in order, whatever happens."""

import os
import subprocess

from machine import AGENT_POD, Link

POD = """[pod]
name = test
restartPolicy = Never
"""


def pod(*mains):
    """A pod.ini; each main is "NAME: COMMAND"."""
    text = POD
    for main in mains:
        name, _, command = main.partition(": ")
        text += f"[main {name}]\ncommand = {command}\n"
    return {"/etc/podinit/pod.ini": text}


def assert_went_off(booted, exit_code):
    """By itself and without a panic, which with these options of the kernel and of qemu would look the
    same from outside; and podinit's last word is the exit code."""
    assert booted.code == 0
    assert "Kernel panic" not in booted.console
    assert "reboot: Power down" in booted.console
    assert booted.words[-1] == f"podinit: powers the machine off; the exit code is {exit_code}"


def test_the_machine_goes_off_when_its_pod_has_ended(boot):
    booted = boot(files=pod("one: sh -c 'exit 3'", "two: sh -c 'setsid sleep 1000 & exit 0'"))
    assert_went_off(booted, 3)
    assert booted.words[-2].startswith("podinit: ends with exit code 3 ")
    assert not [line for line in booted.words if "cannot" in line]


def test_a_bad_file_is_named_and_the_machine_goes_off(boot):
    booted = boot(files={"/etc/podinit/pod.ini": "[main one]\ncomand = true\n"})
    assert_went_off(booted, 125)
    assert "/etc/podinit/pod.ini:2: " in booted.console and "comand" in booted.console


def test_a_bad_option_is_named_and_the_machine_goes_off(boot):
    booted = boot(cmdline="-- --nonsense")
    assert_went_off(booted, 125)
    assert "--nonsense" in booted.console


def test_options_come_from_behind_the_kernels_and_its_own_words_are_no_program(boot):
    files = {"/pod.ini": POD + "[main one]\ncommand = sh -c 'echo colour=$COLOUR'\n"}
    booted = boot(files=files, cmdline="COLOUR=red splash 3 mod.word=1 -- -q -c /pod.ini")
    assert_went_off(booted, 0)
    assert "colour=red\n" in booted.console
    assert [line.split("'")[1] for line in booted.words[:-1]] == ["splash", "3"]


def test_a_program_may_be_the_machine(boot):
    booted = boot(files={"/app": "exit 7\n"}, cmdline="nosplash -- /bin/sh /app")
    assert_went_off(booted, 7)


def test_as_another_init_too_the_machine_goes_off(boot):
    booted = boot(files={"/sbin/tini": Link("/init")}, cmdline="rdinit=/sbin/tini -- /bin/false")
    assert_went_off(booted, 1)


def test_a_sandbox_ends_alone_and_the_machine_after_it(boot):
    files = {"/pod.ini": POD + "[main one]\ncommand = sh -c 'hostname; exit 4'\n"}
    booted = boot(files=files, cmdline="-- --sandbox -c /pod.ini")
    assert_went_off(booted, 4)
    assert booted.console.count("powers the machine off") == 1


def test_ctrl_alt_del_ends_the_pod_in_order(boot):
    machine = boot.machine(files=pod("one: helper flush one 300"))
    machine.wait_console("one is ready")
    machine.monitor("sendkey ctrl-alt-delete")
    booted = boot.ended(machine)
    assert_went_off(booted, 0)
    assert "one flushed" in booted.console
    assert [line for line in booted.words if "got SIGINT" in line]


def test_sigterm_ends_the_pod_in_order(boot):
    machine = boot.machine()
    machine.order("kill -TERM 1")
    booted = boot.ended(machine)
    assert_went_off(booted, 143)
    assert [line for line in booted.words if "agent: stopping with SIGTERM" in line]


def test_without_a_console_from_the_kernel_podinit_opens_it(boot):
    """The initramfs that is built into the kernel has a /dev/console, so it takes one that leads
    nowhere."""
    files = {"/dev/console": Link("/nowhere"), **pod("one: helper report")}
    booted = boot(files=files)
    assert "unable to open an initial console" in booted.console
    assert_went_off(booted, 0)
    assert "descriptors: 0 1 2\n" in booted.console


def test_what_was_mounted_before_stays(boot):
    script = "#!/bin/sh\nmount -t proc proc /proc\nmkdir /run\nmount -t tmpfs mine /run\n" \
        "exec /init -q -c /pod.ini\n"
    files = {"/start": script, "/bin/start": Link("/start"),
             "/pod.ini": POD + "[main one]\ncommand = grep -cE '^(mine /run|proc /proc) ' "
                                    "/proc/mounts\n"
                                    "[main two]\ncommand = grep -c ' /run ' /proc/mounts\n"}
    booted = boot(files=files, cmdline="rdinit=/bin/sh -- /start")
    assert_went_off(booted, 0)
    assert "2\n" in booted.console and "1\n" in booted.console


def test_what_cannot_be_mounted_is_said_and_the_pod_runs(boot):
    booted = boot(files={"/sys": "a file", **pod("one: echo it runs")})
    assert_went_off(booted, 0)
    assert "podinit: cannot mount /sys: Not a directory" in booted.words
    assert "it runs\n" in booted.console


def test_file_systems_are_in_order_at_the_end(boot, tmp_path):
    disk = tmp_path / "disk"
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    with open(disk, "wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", disk], check=True, env={"PATH": path})
    ini = AGENT_POD.replace("[main", "terminationGracePeriodSeconds = 2\n[main")
    machine = boot.machine(files={"/etc/podinit/pod.ini": ini},
                           modules=["virtio_pci", "virtio_blk", "ext4"], disks=[disk])
    for module in machine.modules:
        machine.load(module)
    machine.out("mkdir /disk && mount /dev/vda /disk && echo precious >/disk/file")
    # And somebody has a file open until he is killed.
    machine.out("helper stubborn x >/disk/open 2>&1 &")
    machine.order("kill -TERM 1")
    assert_went_off(boot.ended(machine), 143)
    header = subprocess.run(["dumpe2fs", "-h", disk], check=True, env={"PATH": path},
                            capture_output=True, text=True).stdout
    assert "clean\n" in header and "needs_recovery" not in header
    content = subprocess.run(["debugfs", "-R", "cat file", disk], check=True, env={"PATH": path},
                             capture_output=True, text=True).stdout
    assert content == "precious\n"
