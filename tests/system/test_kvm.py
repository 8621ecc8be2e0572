"""ACCEL=kvm: used where the host's KVM nests and works, else refused with the reason."""

import pytest

import kvm


@pytest.fixture(name="modules")
def make_modules(tmp_path):
    """A function that makes a folder as /sys/module is, with a module and its parameter "nested"."""

    def make(name=None, value=None):
        if name:
            (tmp_path / name / "parameters").mkdir(parents=True)
        if value:
            (tmp_path / name / "parameters/nested").write_text(value + "\n")
        return tmp_path

    return make


def test_no_device(tmp_path):
    """Without /dev/kvm there is no KVM."""
    assert "no " in kvm.why_not(tmp_path / "kvm")


def test_other_device(tmp_path):
    """A file that is not KVM's device is told from it, and no trial of it succeeds."""
    device = tmp_path / "kvm"
    device.write_text("")
    assert "not KVM's" in kvm.why_not(device)
    assert "does not work" in kvm.trial(device)


NOT_NESTED = [(None, None), ("kvm_intel", None), ("kvm_intel", "N"), ("kvm_amd", "0")]


@pytest.mark.parametrize("name, value", NOT_NESTED)
def test_not_nested(modules, name, value):
    """KVM whose guests have no virtualisation is of no use, and what to do is told."""
    reason = kvm.nested(modules(name, value))
    assert name is None or f"modprobe {name} nested=1" in reason
    assert name or "neither kvm_intel nor kvm_amd" in reason


@pytest.mark.parametrize("name, value", [("kvm_intel", "Y"), ("kvm_amd", "1")])
def test_nested(modules, name, value):
    """KVM that nests is taken."""
    assert kvm.nested(modules(name, value)) is None
