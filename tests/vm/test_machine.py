"""What a machine has whose first process is podinit, seen from inside, while its pod runs."""

import pytest

MOUNTS = {  # path: type, options that it must have
    "/dev": ("devtmpfs", {"nosuid"}),
    "/proc": ("proc", {"nosuid", "nodev", "noexec"}),
    "/sys": ("sysfs", {"nosuid", "nodev", "noexec"}),
    "/sys/fs/cgroup": ("cgroup2", {"nosuid", "nodev", "noexec"}),
    "/dev/pts": ("devpts", {"nosuid", "noexec", "gid=5", "mode=620", "ptmxmode=666"}),
    "/dev/shm": ("tmpfs", {"nosuid", "nodev"}),
    "/run": ("tmpfs", {"nosuid", "nodev", "mode=755"}),
}


def test_podinit_is_process_1_of_the_machine(vm):
    assert vm.out("readlink /proc/1/exe") == "/init"
    assert vm.out("cat /proc/2/comm") == "kthreadd"
    assert "podinit" in vm.out("/proc/1/exe --version")


@pytest.mark.parametrize("path", MOUNTS)
def test_what_programs_expect_is_mounted(vm, path):
    lines = [line.split() for line in vm.out("cat /proc/1/mounts").splitlines()]
    found = [(kind, set(options.split(","))) for _, at, kind, options, *_ in lines if at == path]
    kind, options = MOUNTS[path]
    assert len(found) == 1
    assert found[0][0] == kind and found[0][1] >= options | {"rw"}


def test_everyone_may_write_to_shared_memory(vm):
    assert vm.out("stat -c %a /dev/shm") == "1777"


def test_the_links_to_the_standard_descriptors_are_there(vm):
    assert vm.out("echo in | cat /dev/stdin; ls -d /dev/fd/0") == "in\n/dev/fd/0"
    assert vm.run("{ echo out >/dev/stdout; } | cat; echo error >/dev/stderr")[1:] \
        == ("out\n", "error\n")


def test_a_terminal_can_be_made(vm):
    assert vm.out("stat -c %a /dev/pts/ptmx; ls /dev/pts; ls /dev/pts 3<>/dev/ptmx") \
        == "666\nptmx\n0\nptmx"


def test_loopback_is_up(vm):
    assert "127.0.0.1/8" in vm.out("ip addr show lo up")
    vm.out("ping -c 1 127.0.0.1")


def test_the_host_name_is_the_pods_name(vm):
    assert vm.out("hostname") == "vm"


def test_a_program_is_found_on_the_usual_path(vm):
    assert vm.out("echo $PATH") == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_podctl_finds_podinit(vm):
    assert "agent" in vm.out("podctl status")


def test_orphans_are_reaped(vm):
    vm.out("helper orphans 50")
    vm.out("while grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null; do sleep 0.1; done")


def test_the_kernels_own_processes_are_no_orphans(vm):
    assert vm.out("ps -o comm | grep -c kthreadd") == "1"
    assert "kthreadd" not in vm.out("podctl status -o json")


# --- what the tests rely on ---


def test_an_answer_has_code_output_and_errors(vm):
    assert vm.run("cat; echo no >&2; exit 3", stdin=b"yes") == (3, "yes", "no\n")
    assert vm.run("kill -TERM $$").code == 128 + 15


def test_what_a_script_leaves_running_is_not_waited_for(vm):
    pid = vm.out("sleep 1000 & echo $!")
    vm.out(f"kill {pid}")


def test_a_script_that_takes_too_long_is_ended_and_the_machine_goes_on(vm):
    with pytest.raises(AssertionError, match="not within 1 s"):
        vm.run("sleep 1000", seconds=1)
    assert vm.out("echo still here") == "still here"


def test_files_arrive_as_they_are(vm):
    data = bytes(range(256)) * 100
    vm.write("/tmp/new/file", data, mode=0o751)
    assert vm.out("stat -c '%s %a' /tmp/new/file") == "25600 751"
    assert vm.out("tail -c 256 /tmp/new/file | od -An -tx1 | tr -d ' \\n'") == bytes(range(256)).hex()


def test_kernel_modules_can_be_loaded(vm):
    vm.load("overlay")
    vm.load("overlay")  # a second time is no error
    assert "overlay" in vm.out("cat /proc/filesystems")
