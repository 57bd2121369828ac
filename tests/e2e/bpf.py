"""What a system call filter answers, without a kernel: an interpreter of the few instructions that
filters are made of. So calls can be asked about that nobody would make on a machine that is needed,
and those of architectures that this kernel does not run."""

import struct

X86_64, I386 = 0xC000003E, 0x40000003
X32 = 0x40000000  # a bit of the number

ACTIONS = {0x80000000: "kill process", 0x00000000: "kill thread", 0x00030000: "trap",
           0x00050000: "errno", 0x7FF00000: "trace", 0x7FFC0000: "log", 0x7FFF0000: "allow"}
HEADER = struct.Struct("=8sIIII")  # of podconv's file: magic, architecture, version, flags, count
INSTRUCTION = struct.Struct("=HBBI")


class Filter:
    def __init__(self, path):
        data = path.read_bytes()
        self.magic, self.architecture, self.version, self.flags, count = HEADER.unpack_from(data)
        self.program = list(INSTRUCTION.iter_unpack(data[HEADER.size:]))
        assert len(self.program) == count

    def __call__(self, number, *arguments, arch=X86_64):
        """The answer to a call: "allow", 1 for EPERM, "kill thread"..."""
        arguments = [argument % 2**64 for argument in arguments] + [0] * (6 - len(arguments))
        value = self._run(struct.pack("=iIQ6Q", number, arch, 0, *arguments))
        action = ACTIONS[value & 0xFFFF0000]
        return value & 0xFFFF if action == "errno" else action

    def _run(self, data):
        at, accumulator = 0, 0
        while True:
            code, if_true, if_false, k = self.program[at]
            at += 1
            if code == 0x20:  # load a word
                accumulator, = struct.unpack_from("=I", data, k)
            elif code == 0x54:  # and
                accumulator &= k
            elif code == 0x05:  # jump
                at += k
            elif code == 0x06:  # return
                return k
            else:
                holds = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k,
                         0x45: bool(accumulator & k)}[code]
                at += if_true if holds else if_false
