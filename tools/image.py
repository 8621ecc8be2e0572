#!/usr/bin/python3
"""Makes an ISO that boots the hypervisor and its modules under GRUB, on BIOS and on UEFI.

The image is a hybrid: it boots from a CD, and from a USB stick that it was copied to with dd.
"""

import argparse
import dataclasses
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# GRUB's modules that are put into the image, no more, as each one costs boot time. The kinds of
# partition tables are there because GRUB's own start-up asks for each, and complains.
GRUB_MODULES = (
    "acpi multiboot2 normal configfile iso9660 fat serial terminal echo sleep halt test all_video"
    " part_acorn part_amiga part_apple part_bsd part_dfly part_dvh part_gpt part_msdos"
    " part_plan part_sun part_sunpc"
)

# GRUB reads at top level, so that no menu is drawn. On UEFI the firmware's console is the serial
# line already. A failure is shown long enough to be read, then the machine is turned off, so that
# whoever waits for it sees an end.
GRUB_CONFIG = """\
set timeout=0
if [ "$grub_platform" = pc ]; then
	serial --unit=0 --speed=115200
	terminal_output console serial
else
	insmod all_video
fi
{commands}
echo 'GRUB could not start Sluice'
sleep 5
halt
"""


class ImageError(Exception):
    """Something that the image cannot be made from."""


@dataclasses.dataclass(frozen=True)
class Module:
    """A file that GRUB loads beside the hypervisor, with its command line."""

    path: Path
    command_line: str = ""


@dataclasses.dataclass(frozen=True)
class Image:
    """What an ISO is made from."""

    kernel: Path
    arguments: str = ""
    modules: tuple[Module, ...] = ()
    dmar: Path | None = None  # a DMAR table in place of firmware's

    def command(self, output):
        """The command line of this program that makes the image."""
        command = ["tools/image.py", "--output", output, "--kernel", self.kernel]
        if self.arguments:
            command.append(f"--args={self.arguments}")
        for module in self.modules:
            command += ["--module", module.path, module.command_line]
        if self.dmar:
            command += ["--dmar", self.dmar]
        return shlex.join(map(str, command))


def hypervisor_line(defaults, given):
    """The hypervisor's command line: the given words, and those of the defaults whose key none of them has.
    `key=` with nothing behind it only leaves the default out."""
    keys = {word.split("=")[0] for word in given.split()}
    left_out = {word.split("=")[0] + "=" for word in defaults.split()}
    words = [word for word in defaults.split() if word.split("=")[0] not in keys]
    return " ".join(words + [word for word in given.split(" ") if word not in left_out]).rstrip(" ")


def grub_words(command_line):
    """Quotes a command line so that GRUB hands it on byte by byte, save for one thing: GRUB itself
    puts a backslash before each quote and backslash, which the hypervisor takes off again.

    Words are split at every single space, as GRUB joins its arguments by single spaces and would
    wrap an argument with a space inside in quotation marks.
    """
    if any(ord(character) < 0x20 for character in command_line):
        raise ImageError(f"a control character in the command line {command_line!r}")
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in command_line.split(" "))


def grub_config(image):
    """The text of grub.cfg; module number N is the file /boot/moduleN."""
    commands = ["acpi --exclude=DMAR /boot/dmar"] * bool(image.dmar)
    commands.append(f"multiboot2 /boot/sluice.elf {grub_words(image.arguments)}")
    for index, module in enumerate(image.modules):
        commands.append(f"module2 --nounzip /boot/module{index} {grub_words(module.command_line)}")
    nested = "boot"
    for command in reversed(commands):
        nested = f"if {command}; then\n{nested}\nfi"
    return GRUB_CONFIG.format(commands=nested)


def run(command, what):
    """Runs a tool silently; its output is shown only when it fails."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        raise ImageError(f"{what} failed:\n{result.stdout}")


def make(image, output):
    """Writes the ISO; `output` is replaced only when all went well."""
    for path in [image.kernel] + [module.path for module in image.modules]:
        if not Path(path).is_file():
            raise ImageError(f"no file {path}")
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sluice-iso-") as folder:
        boot = Path(folder, "iso", "boot")
        (boot / "grub").mkdir(parents=True)
        (boot / "grub" / "grub.cfg").write_text(grub_config(image))
        # GRUB loads every section of the file, those for a debugger too.
        run(["objcopy", "--strip-all", image.kernel, boot / "sluice.elf"], "objcopy")
        for index, module in enumerate(image.modules):
            shutil.copyfile(module.path, boot / f"module{index}")
        if image.dmar:
            shutil.copyfile(image.dmar, boot / "dmar")
        made = Path(folder, "image.iso")
        run(
            ["grub-mkrescue", "--compress=no", "--locales=", "--themes=", "--fonts="]
            + [f"--install-modules={GRUB_MODULES}", "-o", made, Path(folder, "iso")],
            "grub-mkrescue",
        )
        # In two steps, as the two folders can be on different file systems.
        unfinished = output.with_name(f"{output.name}.{os.getpid()}")
        shutil.copyfile(made, unfinished)
        unfinished.replace(output)


def main():
    """The command line's way in."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--output", required=True, help="the ISO to write")
    parser.add_argument("--kernel", required=True, help="the hypervisor's ELF file")
    parser.add_argument("--args", default="", help="the hypervisor's command line")
    parser.add_argument(
        "--module", nargs=2, action="append", default=[], metavar=("FILE", "CMDLINE")
    )
    parser.add_argument("--dmar", type=Path, help="a DMAR table in place of firmware's")
    options = parser.parse_args()
    modules = tuple(Module(Path(path), text) for path, text in options.module)
    try:
        made = Image(Path(options.kernel), options.args, modules, options.dmar)
        make(made, options.output)
    except ImageError as error:
        sys.exit(f"image: {error}")


if __name__ == "__main__":
    main()
