"""A machine under test: an emulator with its serial line in a file; QEMU has a QMP connection, and packet
dumps, too."""

import json
import re
import shutil
import socket
import subprocess
import time

import pytest

import emulator

# Seconds that any one wait may take. Far more than is needed on an idle machine, as the tests must
# not fail on a busy one.
PATIENCE = 240

# Seconds between two looks at a machine: an answer to a command comes soon, the end of a boot late.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.002, 0.05

# What is seen of the IOMMU from outside: whether it is on, and each request that it refused.
TRACES = "trace:vtd_dmar_enable,trace:vtd_ir_enable,trace:vtd_dmar_fault"

# QEMU 7.2 aborts when MSI-X of its e1000e is turned off shortly after an interrupt: then there is nothing to be
# seen of the hypervisor.
QEMU_FAULT = "e1000e_intrmgr_on_msix_throttling_timer: Assertion"

NOISE = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]|\r")


class Qmp:
    """QEMU's control connection."""

    def __init__(self, connection):
        self.connection = connection
        self.connection.settimeout(PATIENCE)
        self.stream = connection.makefile("rw", encoding="utf-8")
        self.stream.readline()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        """Runs a command and returns its result."""
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        for line in self.stream:
            answer = json.loads(line)
            if "error" in answer:
                raise AssertionError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]
        raise AssertionError(f"{command}: QEMU ended")


class Outside:
    """QEMU's test protocol: physical memory, ports and registers as seen by nobody in the machine, read and
    written while it runs."""

    def __init__(self, connection):
        self.connection = connection
        self.connection.settimeout(PATIENCE)
        self.stream = connection.makefile("rw", encoding="ascii")

    def execute(self, command):
        """Runs a command; the words of the answer."""
        self.stream.write(command + "\n")
        self.stream.flush()
        answer = self.stream.readline().split()
        if answer[:1] != ["OK"]:
            raise AssertionError(f"{command}: {answer}")
        return answer[1:]

    def read32(self, address):
        """Four bytes of memory, or a register."""
        return int(self.execute(f"readl {address:#x}")[0], 16)

    def write32(self, address, value):
        """The same written."""
        self.execute(f"writel {address:#x} {value:#x}")

    def write64(self, address, value):
        """Eight bytes."""
        self.execute(f"writeq {address:#x} {value:#x}")

    def fill(self, address, size, value):
        """Bytes of memory, all the same."""
        self.execute(f"memset {address:#x} {size:#x} {value:#x}")


class Running:
    """A machine that was started. Its files stay in `folder`: serial.log, and emulator.log."""

    bare = False  # without the hypervisor

    def __init__(self, command, folder, descriptors=()):
        self.folder = folder
        self.seen = 0
        (folder / "command").write_text(emulator.shell_line(command) + "\n")
        with open(folder / "serial.log", "wb") as serial, open(folder / "emulator.log", "wb") as log:
            self.process = subprocess.Popen(
                emulator.dies_with_parent(command),
                stdin=subprocess.PIPE,
                stdout=serial,
                stderr=log,
                pass_fds=descriptors,
            )

    def kill(self):
        """Ends it, whatever it does."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def serial(self):
        """All that the serial line said, without what only a terminal understands."""
        return NOISE.sub("", (self.folder / "serial.log").read_text(errors="replace"))

    def said(self, bare=False):
        """The lines of the guest: all of a bare one's, else those marked with the VM's name."""
        lines = self.serial().splitlines()
        return lines if bare else [line.split("vm0| ", 1)[1] for line in lines if "vm0| " in line]

    def story(self):
        """What to tell when something went wrong."""
        lines = self.serial().splitlines()[-40:]
        errors = (self.folder / "emulator.log").read_text(errors="replace").splitlines()[-5:]
        return "\n".join([f"serial line ({self.folder}):", *lines, *errors])

    def wait_for(self, condition, what, seconds=PATIENCE):
        """Waits until a condition holds, and returns what it returned; fails if the time is up, or
        if the machine has ended without it."""
        deadline = time.monotonic() + seconds
        pause = SHORTEST_PAUSE
        while True:
            ended = self.process.poll() is not None
            value = condition()
            if value:
                return value
            if ended:
                raise AssertionError(f"the machine ended before: {what}")
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing in {seconds} s: {what}")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def expect(self, pattern, seconds=PATIENCE):
        """Waits for a pattern on the serial line, behind the last one found; returns the match."""
        expression = re.compile(pattern, re.MULTILINE)
        match = self.wait_for(
            lambda: expression.search(self.serial(), self.seen), f"serial line: {pattern}", seconds
        )
        self.seen = match.end()
        return match

    def wait_exit(self, seconds=PATIENCE):
        """Waits for the machine's end; the code that it ended with, None if there is none."""
        try:
            status = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the machine did not end in {seconds} s") from None
        if status < 0 and QEMU_FAULT in (self.folder / "emulator.log").read_text(errors="replace"):
            pytest.skip(f"QEMU failed by itself: {QEMU_FAULT}")
        return emulator.exit_code(status, self.bare)

    def send(self, text):
        """Types on the serial line."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()


class RunningQemu(Running):
    """QEMU, started. Its folder has trace.log and NETDEV.pcap of each netdev, too."""

    def __init__(self, machine, folder):
        self.folder = folder
        self.control = None
        variables = folder / "uefi-variables.fd"
        if machine.firmware == "uefi":
            shutil.copyfile(emulator.OVMF_VARS, variables)
        self.socket, theirs = socket.socketpair()
        ours, test_theirs = socket.socketpair()
        self.outside = Outside(ours)
        command = machine.command(variables)
        command += ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "qmp,mode=control"]
        command += ["-chardev", f"socket,id=test,fd={test_theirs.fileno()}"]
        command += ["-object", "qtest,id=outside,chardev=test,log=/dev/null"]
        command += ["-d", TRACES, "-D", str(folder / "trace.log")]
        for netdev in machine.netdevs:
            name = re.search(r"\bid=(\w+)", netdev)[1]
            dump = f"filter-dump,id=dump-{name},netdev={name}"
            command += ["-object", f"{dump},file={emulator.escape(self.pcap(name))}"]
        self.bare = machine.kernel is not None
        super().__init__(command, folder, [theirs.fileno(), test_theirs.fileno()])
        theirs.close()
        test_theirs.close()

    def kill(self):
        super().kill()
        self.socket.close()
        self.outside.connection.close()

    def pcap(self, netdev="n0"):
        """The file of the frames of a netdev."""
        return self.folder / f"{netdev}.pcap"

    def trace(self):
        """The trace of the IOMMU's doings."""
        path = self.folder / "trace.log"
        return path.read_text() if path.exists() else ""

    def qmp(self, command, **arguments):
        """Runs a QMP command and returns its result."""
        if not self.control:
            self.control = Qmp(self.socket)
        return self.control.execute(command, **arguments)

    def monitor(self, line):
        """Runs a command of QEMU's human monitor and returns what it printed."""
        return self.qmp("human-monitor-command", **{"command-line": line})

    def read_memory(self, address, size):
        """Bytes of physical memory."""
        path = self.folder / "memory.bin"
        self.qmp("pmemsave", val=address, size=size, filename=str(path))
        return path.read_bytes()
