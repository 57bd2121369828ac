"""A machine whose first process is podinit: Debian's kernel in qemu, without KVM.

A Machine boots at once. Its /init is podinit; what podinit then runs is in the files that the test adds,
and if it adds no pod.ini, that is the agent (agent.c), which runs the scripts that the test gives it:

    vm.run("cat /proc/1/status")        -> Answer(code, out, err)
    vm.out("hostname")                  -> its output, stripped; the code must be 0
    vm.write("/etc/x", "text", 0o644)   a file, now; Machine(files={"/etc/x": "text"}) before the boot
    vm.order("kill -TERM 1")            a script that ends the machine, so that no answer comes
    vm.load("overlay")                  a kernel module that Machine(modules=["overlay"]) has brought
    vm.monitor("sendkey ctrl-alt-delete")
    vm.wait_console("text"), vm.wait_end(), vm.console()

In the machine are all applets of busybox, podctl, helper and restrict (of tests/e2e). Everything has a
deadline, and each is generous: an emulated machine is 20 times slower. Nothing here asserts what podinit
should do."""

import collections
import lzma
import os
import pathlib
import shutil
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PODINIT = pathlib.Path(os.environ.get("PODINIT") or ROOT / "build/podinit").resolve()
KERNEL = ROOT / "build/vm"

PATIENCE = 120  # seconds that something may take which takes two
PIECE, TIMED_OUT = 4096, 1000  # of agent.c

AGENT_POD = """[pod]
name = vm
restartPolicy = Never

[main agent]
command = /bin/agent /dev/ttyS1
securityContext.privileged = true
"""

Answer = collections.namedtuple("Answer", "code out err")


class Link(str):
    """In a list of files: a symbolic link to this path."""


class Lost(AssertionError):
    """The machine did not do in time what every machine does."""


# --- the initramfs ---


def put(directory, path, what):
    """A file at its place below a directory: text, bytes, a Link, or a Path to copy, mode and all."""
    target = directory / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(what, Link):
        target.symlink_to(what)
    elif isinstance(what, pathlib.Path):
        shutil.copy(what, target)
    else:
        target.write_bytes(what.encode() if isinstance(what, str) else what)


def pack(directory):
    """The directory as an archive that the kernel unpacks; several in a row are one. Not compressed: the
    machine would take longer for that than it saves."""
    names = sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))
    return subprocess.run(
        ["cpio", "--quiet", "-o", "-0", "-H", "newc", "-R", "+0:+0"], cwd=directory, check=True,
        input="\0".join(names).encode(), stdout=subprocess.PIPE).stdout


def compile_static(source, target):
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-static", "-pthread", "-o", target, source],
                   check=True)


def base(directory):
    """What every machine has, packed. Made once; `directory` is for that alone."""
    busybox = shutil.which("busybox")
    applets = subprocess.run([busybox, "--list"], check=True, stdout=subprocess.PIPE, text=True)
    put(directory, "/bin/busybox", pathlib.Path(busybox))
    for applet in applets.stdout.split():
        if applet != "busybox":
            put(directory, f"/bin/{applet}", Link("busybox"))
    put(directory, "/init", PODINIT)
    put(directory, "/bin/podctl", PODINIT.with_name("podctl"))
    here = pathlib.Path(__file__).parent
    for source in (here / "agent.c", here / "../e2e/helper.c", here / "../e2e/restrict.c"):
        compile_static(source, directory / "bin" / source.stem)
    put(directory, "/etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    put(directory, "/etc/group", "root:x:0:\nnogroup:x:65534:\n")
    (directory / "tmp").mkdir(mode=0o1777)
    return pack(directory)


def module_files(name):
    """The files of a module and of those that it needs, in the order in which they are loaded."""
    version = next((KERNEL / "lib/modules").iterdir()).name
    shown = subprocess.run(
        ["modprobe", "-d", KERNEL, "-S", version, "--show-depends", name], check=True,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/sbin"})
    rows = [line.split() for line in shown.stdout.splitlines()]
    return [pathlib.Path(row[1]) for row in rows if row[0] == "insmod"]


def in_machine(module):
    """Where the file of a module lies there. busybox loads what is not compressed."""
    return f"/lib/modules/{module.name.removesuffix('.xz')}"


def unpacked(module):
    return lzma.decompress(module.read_bytes()) if module.suffix == ".xz" else module


# --- the machine ---


class Machine:
    """One qemu. `initramfs` is what base() returned. `directory` holds its sockets and its console;
    `disks` are files that become /dev/vda, /dev/vdb (with the modules virtio_pci and virtio_blk)."""

    def __init__(self, initramfs, directory, files=None, cmdline="", modules=(), disks=()):
        self.directory = pathlib.Path(directory)
        self.modules = {name: module_files(name) for name in modules}
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "initramfs").write_bytes(initramfs + self.pack_own(files or {}))
        listening = [self.listen(name) for name in ("agent", "monitor")]
        self.errors = open(self.directory / "qemu", "w+")
        self.qemu = subprocess.Popen(self.command(cmdline, disks), stdin=subprocess.DEVNULL,
                                     stdout=self.errors, stderr=self.errors)
        try:
            self.line, self.control = map(self.accept, listening)
        except BaseException:
            self.finish()
            raise
        self.is_ready = False

    def pack_own(self, files):
        own = self.directory / "files"
        for path, what in {"/etc/podinit/pod.ini": AGENT_POD, **files}.items():
            put(own, path, what)
        for module in sum(self.modules.values(), []):
            put(own, in_machine(module), unpacked(module))
        return pack(own)

    def command(self, cmdline, disks):
        where = self.directory
        command = [
            "qemu-system-x86_64", "-accel", "tcg", "-m", "512", "-nodefaults", "-display", "none",
            "-no-reboot", "-kernel", KERNEL / "vmlinuz", "-initrd", where / "initramfs",
            # The kernel's tests of its own ciphers are a third of its boot.
            "-append", f"console=ttyS0 panic=-1 quiet cryptomgr.notests {cmdline}",
            "-chardev", f"file,id=console,path={where}/console", "-serial", "chardev:console",
            "-chardev", f"socket,id=agent,path={where}/agent", "-serial", "chardev:agent",
            "-chardev", f"socket,id=monitor,path={where}/monitor", "-mon", "chardev=monitor"]
        for disk in disks:
            command += ["-drive", f"file={disk},format=raw,if=virtio"]
        return command

    def listen(self, name):
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self.directory / name))
        listening.listen(1)
        return listening

    def accept(self, listening):
        listening.settimeout(PATIENCE)
        connection = listening.accept()[0]
        listening.close()
        return connection

    def console(self):
        """All that was on the console until now, and what qemu said."""
        self.errors.seek(0)
        console = self.directory / "console"
        text = console.read_text(errors="replace") if console.exists() else ""
        return (self.errors.read() + text).replace("\r", "")

    def lost(self, what):
        return Lost(f"{what}; the console:\n{self.console()}")

    def wait_console(self, text, seconds=PATIENCE):
        """Waits until the text is on the console."""
        deadline = time.monotonic() + seconds
        while text not in self.console():
            if time.monotonic() > deadline or self.qemu.poll() is not None:
                if text not in self.console():
                    raise self.lost(f"'{text}' was not on the console")
            time.sleep(0.02)

    def wait_end(self, seconds=PATIENCE):
        """Waits until the machine has gone off by itself; returns qemu's exit code."""
        try:
            return self.qemu.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self.lost("the machine did not end") from None

    def monitor(self, command):
        """A command of qemu's monitor, which does not say when it is done."""
        self.control.sendall(command.encode() + b"\n")

    def finish(self):
        """Pulls the plug."""
        self.qemu.kill()
        self.qemu.wait()
        for name in ("line", "control"):
            if hasattr(self, name):
                getattr(self, name).close()

    # --- the agent ---

    def receive(self, count):
        data = b""
        while len(data) < count:
            now = self.line.recv(count - len(data))
            if not now:
                raise self.lost("the machine is gone")
            data += now
        return data

    def receive_line(self):
        data = b""
        while not data.endswith(b"\n"):
            data += self.receive(1)
        return data.decode().strip()

    def send_pieces(self, data):
        for at in range(0, len(data), PIECE):
            self.line.sendall(data[at:at + PIECE])
            self.receive(1)

    def request(self, script, stdin, seconds):
        self.line.settimeout(PATIENCE)
        if not self.is_ready:
            while self.receive_line() != "ready":
                pass
            self.is_ready = True
        self.line.sendall(f"{seconds} {len(script)} {len(stdin)}\n".encode())
        self.send_pieces(script)
        self.send_pieces(stdin)

    def answer(self, seconds):
        self.line.settimeout(PATIENCE + seconds)
        code, out_length, err_length = map(int, self.receive_line().split())
        out, err = self.receive(out_length), self.receive(err_length)
        return Answer(code, out.decode(errors="replace"), err.decode(errors="replace"))

    def run(self, script, stdin=b"", seconds=60):
        """Runs a shell script and returns its Answer, also if it failed. What it leaves running goes
        on. `stdin` is bytes."""
        try:
            self.request(script.encode(), stdin, seconds)
            answer = self.answer(seconds)
        except socket.timeout:
            raise self.lost(f"no answer to {script!r}") from None
        if answer.code == TIMED_OUT:
            raise AssertionError(f"not within {seconds} s: {script!r}: {answer}")
        return answer

    def out(self, script, stdin=b"", seconds=60):
        """The output of a script that must succeed, without space around it."""
        answer = self.run(script, stdin, seconds)
        assert answer.code == 0, f"{script!r}: {answer}"
        return answer.out.strip()

    def order(self, script):
        """Has a script run that nobody will answer: it ends the machine."""
        self.request(script.encode(), b"", 60)

    def write(self, path, data, mode=0o644):
        """A file, and the directories above it."""
        data = data.encode() if isinstance(data, str) else data
        self.out(f"mkdir -p '{os.path.dirname(path)}' && cat >'{path}' && chmod {mode:o} '{path}'",
                 stdin=data)

    def load(self, name):
        """Loads a kernel module with those that it needs. Some of them are only wished for (crc32c-intel,
        which other processors have); without one that it does need, the module itself fails."""
        *needed, own = self.modules[name] or [None]
        for module in needed:
            self.run(f"insmod {in_machine(module)}")
        if own:  # else it is built into the kernel
            own_name = own.name.partition(".")[0].replace("-", "_")
            self.out(f"[ -d /sys/module/{own_name} ] || insmod {in_machine(own)}")
