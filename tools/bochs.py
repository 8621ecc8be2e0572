#!/usr/bin/python3
"""Runs Bochs as if it were QEMU: the serial line on standard input and output, and the exit status
that QEMU's isa-debug-exit would give.

Bochs always ends with status 1, so the code is taken from the last line that the hypervisor writes
with exit=bochs. Killed, this program takes its Bochs with it.
"""

import argparse
import dataclasses
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import typing
from pathlib import Path

import emulator

PROGRAM = "bochs-bin"
DEFAULT_MODEL = "corei7_skylake_x"

# Of the hypervisor's own command line, for every run on Bochs.
HYPERVISOR_WORDS = "exit=bochs iommu=unsafe-identity"

MEMORY_MAX = 2048  # MiB, Debian's build
CPUS_MAX = 8
NIC_MAC = "52:54:00:12:34:56"

# AMD's models lack MSRs that their CPUs have, such as VM_CR: those read 0 then, instead of a fault.
AMD_MODELS = ("phenom_", "zambezi", "trinity_apu", "ryzen", "turion64_", "athlon64_")

# With SVM a guest's triple fault is a panic of Bochs's and stops in its debugger, before it is the exit that
# it ought to be. It goes on from there, so many times.
GUESTS_END = 10000

# ips is less than what a host does: the serial line's bits and the timers take their time by it, and a
# wait for them should not be long. Nothing else ties the machine's time to that outside. Without VBE the screen is a text one, which costs least. The NIC is 00:03.0.
CONFIGURATION = """\
config_interface: textconfig
display_library: sdl2
cpu: model={model}, count={cpus}, ips=10000000, reset_on_triple_fault=0, ignore_bad_msrs={lenient}
memory: guest={memory}, host={memory}
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
vga: extension=none
pci: enabled=1, chipset=i440fx{slots}
{nic}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path="{iso}", status=inserted
boot: cdrom
com1: enabled=1, mode=socket-client, dev=127.0.0.1:{port}
log: "{folder}/bochs.log"
panic: action={panic}
error: action=report
info: action=report
debug: action=ignore
clock: sync=none, time0=local
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
plugin_ctrl: gameport=0, parallel=0, speaker=0
"""

LAST_LINE = re.compile(rb"(?:^|\n)stop: code (\d+)\r?\n$")
LAST_WORDS = re.compile(r"exiting with the following message:\n(.*)$", re.MULTILINE)


@dataclasses.dataclass
class Machine:
    """A PC to be emulated by Bochs. `memory` is in MiB; `tftp` is the folder that the NIC's network
    serves, None being a PC without a NIC."""

    iso: Path
    folder: Path
    model: str = DEFAULT_MODEL
    cpus: int = 1
    memory: int = 512
    tftp: Path | None = None
    firmware: typing.ClassVar[str] = "bios"

    def command(self, _variables=None):
        """The command line of this program that runs it."""
        if not shutil.which(PROGRAM):
            raise emulator.EmulatorError(f"no program {PROGRAM}")
        if not 1 <= self.cpus <= CPUS_MAX:
            raise emulator.EmulatorError(f"Bochs takes 1 to {CPUS_MAX} CPUs, not {self.cpus}")
        if not 1 <= self.memory <= MEMORY_MAX:
            raise emulator.EmulatorError(f"Bochs takes 1 to {MEMORY_MAX} MiB, not {self.memory}")
        command = [emulator.TOP / "tools/bochs.py", f"--model={self.model}", f"--cpus={self.cpus}"]
        command += [f"--memory={self.memory}", f"--folder={self.folder}", f"--iso={self.iso}"]
        if self.tftp:
            command.append(f"--tftp={self.tftp}")
        return list(map(str, command))

    def configuration(self, port):
        """The bochsrc; the serial line connects to a TCP port of this host."""
        for path in (self.iso, self.folder, self.tftp or ""):
            if set('",\n$') & set(str(path)):
                raise emulator.EmulatorError(f"Bochs can't read such a path: {path}")
        slots, nic = "", ""
        if self.tftp:
            slots = ", slot2=e1000"
            nic = f'e1000: enabled=1, mac={NIC_MAC}, ethmod=slirp, ethdev="{self.tftp}", script=""'
        return CONFIGURATION.format(
            model=self.model,
            cpus=self.cpus,
            memory=self.memory,
            lenient=int(self.model.startswith(AMD_MODELS)),
            panic="report" if self.model.startswith(AMD_MODELS) else "fatal",
            slots=slots,
            nic=nic,
            iso=self.iso,
            port=port,
            folder=self.folder,
        )


def mebibytes(size):
    """A size as QEMU's -m takes it, in MiB: 512, 512M or 1G."""
    match = re.fullmatch(r"(\d+)([MG]?)", size)
    if not match:
        raise emulator.EmulatorError(f"a size is a number, or one with M or G, not {size}")
    return int(match[1]) << (10 if match[2] == "G" else 0)


def start(machine, listener):
    """Bochs as a process; it takes nothing from this terminal, and shows nothing on any screen."""
    configuration, debugger = machine.folder / "bochsrc", machine.folder / "bochs.rc"
    configuration.write_text(machine.configuration(listener.getsockname()[1]))
    debugger.write_text("c\n" * GUESTS_END)
    with open(machine.folder / "bochs.out", "wb") as output:
        return subprocess.Popen(
            emulator.dies_with_parent([PROGRAM, "-q", "-f", configuration, "-rc", debugger]),
            env=os.environ | {"SDL_VIDEODRIVER": "dummy"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def connect(process, listener):
    """The serial line's connection; None if Bochs ended without one."""
    listener.settimeout(0.1)
    while process.poll() is None:
        try:
            connection = listener.accept()[0]
        except TimeoutError:
            continue
        connection.settimeout(None)
        return connection
    return None


def type_in(connection):
    """What is typed goes to the serial line."""
    try:
        while data := os.read(0, 4096):
            connection.sendall(data)
    except OSError:
        pass


def show(connection):
    """All that the serial line says goes to standard output; returns the last of it."""
    last = b""
    while True:
        try:
            data = connection.recv(4096)
        except ConnectionError:
            data = b""
        if not data:
            return last
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        last = (last + data)[-64:]


def run(machine):
    """Runs it to its end; returns the status that QEMU would end with, 0 if no code was told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = start(machine, listener)
        try:
            connection = connect(process, listener)
            if connection:
                threading.Thread(target=type_in, args=[connection], daemon=True).start()
                end = LAST_LINE.search(show(connection))
                process.wait()
                if end:
                    return emulator.exit_status(int(end[1]))
        finally:
            process.kill()
            process.wait()
    output = (machine.folder / "bochs.out").read_text(errors="replace")
    words = LAST_WORDS.search(output)
    print(f"bochs: {words[1] if words else output[-500:]}", file=sys.stderr)
    return 0


def main():
    """The command line's way in."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default=DEFAULT_MODEL, help="of the CPU")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--memory", type=int, default=512, help="in MiB")
    parser.add_argument("--folder", type=Path, required=True, help="for Bochs's own files")
    parser.add_argument("--iso", type=Path, required=True, help="what is booted")
    parser.add_argument("--tftp", type=Path, help="the NIC's network serves it; none: no NIC")
    machine = Machine(**vars(parser.parse_args()))
    try:
        return run(machine)
    except emulator.EmulatorError as error:
        print(f"bochs: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    # Not through sys.exit() alone: a thread may wait for ever for something to be typed.
    STATUS = main()
    sys.stdout.flush()
    os._exit(STATUS)
