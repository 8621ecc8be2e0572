#!/usr/bin/python3
"""Tells whether this host can run the hypervisor under KVM: whether KVM lets guests use VMX or SVM
themselves, and works at all. Run as a program it tries KVM on one instruction.
"""

import ctypes
import fcntl
import mmap
import os
import struct
import subprocess
import sys
from pathlib import Path

DEVICE = Path("/dev/kvm")
MODULES = Path("/sys/module")
TRIAL_SECONDS = 20

# Of the kernel's API, include/uapi/linux/kvm.h.
API_VERSION = 12
GET_API_VERSION = 0xAE00
CREATE_VM = 0xAE01
GET_VCPU_MMAP_SIZE = 0xAE04
CREATE_VCPU = 0xAE41
SET_USER_MEMORY_REGION = 0x4020AE46
RUN = 0xAE80
SET_REGS = 0x4090AE82
GET_SREGS = 0x8138AE83
SET_SREGS = 0x4138AE84
SREGS_SIZE = 312
EXIT_REASON_OFFSET = 8  # in struct kvm_run
EXIT_HLT = 5

PAGE = 4096
HLT = b"\xf4"


def nested(modules):
    """Why KVM's guests can't use virtualisation themselves; None if they can."""
    names = [name for name in ("kvm_intel", "kvm_amd") if (modules / name).exists()]
    if not names:
        return "neither kvm_intel nor kvm_amd is loaded"
    parameter = modules / names[0] / "parameters/nested"
    if not parameter.exists() or parameter.read_text().strip() not in ("1", "Y"):
        return (
            f"{names[0]} does not nest: load it with nested=1"
            f" (`modprobe -r {names[0]} && modprobe {names[0]} nested=1`)"
        )
    return None


def why_not(device=DEVICE, modules=MODULES):
    """Why the hypervisor can't be run under KVM here; None if it can."""
    if not device.exists():
        return f"no {device}: the host's virtualisation is off, or its KVM modules are not loaded"
    try:
        descriptor = os.open(device, os.O_RDWR)
    except OSError as error:
        return f"{device} can't be opened ({error.strerror}): is the user in the group kvm?"
    try:
        version = fcntl.ioctl(descriptor, GET_API_VERSION)
    except OSError:
        version = None
    finally:
        os.close(descriptor)
    if version != API_VERSION:
        return f"{device} is not KVM's, or too old"
    return nested(modules) or trial(device)


def trial(device):
    """Why KVM does not work, from a trial in a process of its own, as it may hang; None if it does."""
    try:
        result = subprocess.run(
            [sys.executable, __file__, device],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{device} does not work: one instruction takes more than {TRIAL_SECONDS} s"
    if result.returncode:
        last = (result.stderr.splitlines() or ["no reason given"])[-1]
        return f"{device} does not work: {last}"
    return None


def run_one_instruction(device):
    """Runs HLT in real mode at address 0; raises an error if that is not how it ends."""
    kvm = os.open(device, os.O_RDWR)
    machine = fcntl.ioctl(kvm, CREATE_VM, 0)
    memory = mmap.mmap(-1, PAGE)
    memory[: len(HLT)] = HLT
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(machine, SET_USER_MEMORY_REGION, struct.pack("=IIQQQ", 0, 0, 0, PAGE, address))
    cpu = fcntl.ioctl(machine, CREATE_VCPU, 0)
    state = mmap.mmap(cpu, fcntl.ioctl(kvm, GET_VCPU_MMAP_SIZE, 0))
    segments = bytearray(SREGS_SIZE)
    fcntl.ioctl(cpu, GET_SREGS, segments)
    segments[0:8] = bytes(8)  # the base of CS, which comes first
    segments[12:14] = bytes(2)  # and its selector, behind the limit
    fcntl.ioctl(cpu, SET_SREGS, bytes(segments))
    # 16 general registers, RIP, RFLAGS.
    fcntl.ioctl(cpu, SET_REGS, struct.pack("=18Q", *[0] * 17, 2))
    fcntl.ioctl(cpu, RUN, 0)
    reason = struct.unpack_from("=I", state, EXIT_REASON_OFFSET)[0]
    if reason != EXIT_HLT:
        raise OSError(f"HLT ended with exit reason {reason}")


if __name__ == "__main__":
    run_one_instruction(sys.argv[1])
