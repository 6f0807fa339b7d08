"""Every call into the kernel that the walk makes fails, hangs or crashes: the right step is named.

The real sluice-probe, on the devices made of paper of tests/unit/fault.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
import time

import pytest

PROBE = "/build/meson/tests/unit/fault/sluice-probe"

#: the step that each call belongs to, by the number of the call where a later one is another's
STEPS = {
    "subsystem-link": "vfio-open", "driver-link": "vfio-open", "group-link": "vfio-open",
    "vfio-dev-entry": "vfio-open", "open-cdev": "vfio-open", "open-iommu": "vfio-open",
    "bind-iommufd": "vfio-open", "open-group": "vfio-open", "open-container": "vfio-open",
    "group-status": "vfio-open", "set-container": "vfio-open", "set-iommu-v2": "vfio-open",
    "get-device-fd": "vfio-open", "get-info": "vfio-open",
    "region-info": "vfio-open", "region-info@2": "bar-size",
    "pread": "vfio-open", "pwrite": "vfio-open",
    "probe-feature": "feature", "get-feature": "export", "mmap": "pattern",
    "version": "drm-open", "get-cap": "drm-open", "auth-magic": "drm-open",
    "set-client-cap": "screen", "get-resources": "screen", "get-connector": "screen",
    "get-encoder": "screen", "get-plane-resources": "screen", "get-plane": "screen",
    "get-properties": "screen", "get-property": "screen",
    "prime-fd-to-handle": "prime-import",
    "addfb2": "addfb2", "addfb2@2": "addfb2-modifier",
    "create-blob": "test-commit", "create-blob@2": "commit",
    "destroy-blob": "test-commit", "destroy-blob@2": "commit",
    "atomic": "test-commit", "atomic@2": "commit", "atomic@3": "commit",
    "rmfb": "kms-release", "gem-close": "kms-release",
}
CDEV = {"open-cdev", "open-iommu", "bind-iommufd"}
#: an error of these is no failure of the walk: there is another way, or nothing hangs on it
HARMLESS = {
    "vfio-dev-entry", # no node of its own: by the group
    "set-iommu-v2", # the older type
    "auth-magic", # not the errno of one that is not master
    "destroy-blob", "destroy-blob@2",
    "atomic@3", # switching off again
}
#: an error of these leaves something out
SKIPPED = {"mmap", "set-client-cap", "get-resources", "get-connector", "get-encoder",
           "get-plane-resources", "get-plane", "get-properties", "get-property"}
#: only called when another has failed
FALLBACKS = {"set-iommu-v1"}


def walk(fault: str, timeout: int = 20000) -> tuple[dict[str, tuple[str, str, str]], float]:
    """The steps by their names: status, errno's number, sentence. And how long it took."""
    environment = os.environ | {"SLUICE_FAULT": fault}
    if re.split("[@=]", fault)[0] in CDEV:
        environment["SLUICE_FAULT_CDEV"] = "1"
    start = time.monotonic()
    result = subprocess.run([PROBE, "--commit", f"--timeout={timeout}", "0000:03:00.0",
                             "/dev/dri/paper"], env=environment, text=True, capture_output=True,
                            timeout=120, check=False)
    took = time.monotonic() - start
    # 1: a step failed. Anything else would be a crash of the one that looks on
    assert result.returncode == 1, (result.returncode, result.stderr)
    steps = {}
    for line in result.stdout.splitlines():
        status, name, sentence = re.fullmatch(r"(\w+) +([\w-]+) +(.*)", line).groups()
        steps[name] = (status, "", sentence)
    return steps, took


def failures(steps: dict[str, tuple[str, str, str]]) -> dict[str, str]:
    """But for the sysfs of this very machine, which has no such device."""
    return {name: sentence for name, (status, _, sentence) in steps.items()
            if status == "fail" and name != "iommu-group"}


def test_every_call_is_known() -> None:
    names = subprocess.run([PROBE], env=os.environ | {"SLUICE_FAULT": "list"}, text=True,
                           capture_output=True, check=True).stdout.split()
    assert set(names) == {name.split("@")[0] for name in STEPS} | FALLBACKS


def test_without_a_fault() -> None:
    steps, _ = walk("none=0")
    assert failures(steps) == {}
    assert [name for name, (status, *_) in steps.items() if status == "skipped"] == ["gpu-read"]


@pytest.mark.parametrize("call", STEPS)
@pytest.mark.parametrize("error", [errno.EIO, errno.EINVAL, errno.ENODEV, errno.ENOMEM])
def test_error(call: str, error: int) -> None:
    steps, _ = walk(f"{call}={error}")
    step = STEPS[call]
    if call in HARMLESS:
        assert failures(steps) == {}
    elif call in SKIPPED:
        assert failures(steps) == {}
        assert steps[step][0] == "skipped"
    else:
        assert steps[step][0] == "fail", steps
        # What comes before is well
        names = list(steps)
        assert not set(failures(steps)) & set(names[:names.index(step)]), steps
    # To the end, whatever failed
    assert steps["close"][0] == "ok"


@pytest.mark.parametrize("call", STEPS)
def test_crash(call: str) -> None:
    steps, _ = walk(f"{call}=crash")
    assert failures(steps) == {STEPS[call]: "the driver crashed (SIGSEGV)"}
    assert list(steps)[-1] == STEPS[call]


@pytest.mark.parametrize("call", STEPS)
def test_hang(call: str) -> None:
    # On a busy machine it may not come as far as to hang
    for deadline in (500, 2000, 8000):
        steps, took = walk(f"{call}=hang", deadline)
        assert deadline / 1000 <= took < deadline / 1000 + 5
        if list(steps)[-1] == STEPS[call]:
            break
    assert list(failures(steps)) == [STEPS[call]]
    assert "no result within" in failures(steps)[STEPS[call]]
    assert list(steps)[-1] == STEPS[call]
