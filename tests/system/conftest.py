"""What all system tests use: `boot` starts a machine, `scenario` tests are made from the table."""

import re
from pathlib import Path

import pytest

import bochs
import emulator
import image
import payload
import scenarios
from running import Running, RunningQemu

TESTS = emulator.BUILD / "tests"
KERNEL = emulator.BUILD / "sluice.elf"


def pytest_addoption(parser):
    """`--named TEXT` runs only the tests whose name contains TEXT, special characters and all."""
    parser.addoption("--named", default="", help="run only the tests whose name contains this")
    parser.addoption("--soak", type=int, default=0, help="seconds that each soak test goes on for")


def pytest_collection_modifyitems(config, items):
    """Leaves out what was not asked for."""
    wanted = config.getoption("named")
    items[:] = [item for item in items if wanted in item.nodeid]


def pytest_generate_tests(metafunc):
    """A test with a `scenario` gets those of its module's TOPICS, one each."""
    if "scenario" in metafunc.fixturenames:
        topics = metafunc.module.TOPICS
        rows = [row for row in scenarios.SCENARIOS if row.topic in topics]
        ids = [row.name if len(topics) == 1 else f"{row.topic}-{row.name}" for row in rows]
        metafunc.parametrize("scenario", rows, ids=ids)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test tells what its machines said."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for machine in getattr(item, "machines", []):
            report.sections.append(("machine", machine.story()))


@pytest.fixture(name="folder")
def make_folder(request):
    """This test's own folder, empty."""
    name = re.sub(r"[^\w.-]+", "-", request.node.nodeid.removesuffix("]"))
    folder = TESTS / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.is_file():
            old.unlink()
    return folder


@pytest.fixture(name="digest", scope="session")
def make_digest():
    """The SHA-256 of the file that the guest fetches, which is put in its place."""
    return payload.make(TESTS / "tftp")


@pytest.fixture(name="boot")
def make_boot(request, folder, digest):
    """A function that starts a machine as a scenario has it and returns it running:
    `boot(scenario, where)`, where being "" for the system's QEMU, "10", "11" or one of Bochs's CPUs.
    All machines are ended with the test."""
    request.node.machines = []

    def compose(scenario, where):
        if where and where not in emulator.FETCHED:
            machine = scenario.bochs_machine(where, TESTS / "tftp", folder)
            machine.command()
            return machine
        emulator.find_qemu(where)
        return scenario.machine(where, TESTS / "tftp")

    def boot(scenario, where=""):
        try:
            machine = compose(scenario, where)
        except emulator.EmulatorError as error:
            pytest.skip(str(error))
        on_bochs = isinstance(machine, bochs.Machine)
        arguments = scenario.guest_arguments(digest)
        if scenario.bare:
            machine.kernel, machine.kernel_arguments = scenario.program, arguments
            machine.kernel_modules = scenario.bare_modules()
        else:
            words = ["vm=vm0", scenario.vm, "--", arguments]
            command_line = " ".join(word for word in words if word)
            modules = [image.Module(scenario.program, command_line)]
            modules += [image.Module(Path(path), text) for path, text in scenario.modules]
            machine.iso = folder / "sluice.iso"
            defaults = bochs.HYPERVISOR_WORDS if on_bochs else "exit=debug"
            hypervisor = image.hypervisor_line(defaults, scenario.hypervisor)
            dmar = folder / "dmar" if scenario.dmar is not None else None
            if dmar:
                dmar.write_bytes(scenario.dmar)
            image.make(image.Image(KERNEL, hypervisor, tuple(modules), dmar), machine.iso)
        if on_bochs:
            running = Running(machine.command(), folder)
        else:
            running = RunningQemu(machine, folder)
        request.node.machines.append(running)
        return running

    yield boot
    for machine in request.node.machines:
        machine.kill()
        (folder / "sluice.iso").unlink(missing_ok=True)
