"""A simulated exporter, and what goes wrong with it when a script says so."""

from __future__ import annotations

import re

import numpy

from lib import patterns

REFRESH = 1e9 / 60


def run(headless, text: str, *arguments: str, options: tuple[str, ...] = ()):
    script = headless.tmp / "fault.sluice"
    script.write_text(text)
    return headless.run(["--simulate-exporter=16", "--output=640x360", f"--script={script}",
                         *options], ["vram-client", *arguments])


ONE_FRAME = ("--frames", "-1", "--fullscreen")


def test_frames_are_those_of_the_producer(headless) -> None:
    """And what is simulated is called so, wherever it is told of."""
    result = run(headless, "wait 1\ncapture a\n", *ONE_FRAME, options=("--debug",))
    assert result.status == 0, result.output
    assert (result.picture("a.png") == patterns.picture("frame-number", 640, 360, 1)).all()
    line = result.manifest[0]
    assert line["simulated"] is True
    assert [surface["simulated"] for surface in line["surfaces"]] == [True]
    assert re.search(r"^device simulated$", result.output, re.MULTILINE)
    paths = re.findall(r"path: \"vram-client\" on HEADLESS-1: .*", result.output)
    assert paths != [] and all(path.endswith("; simulated") for path in paths)


def test_sluicectl_calls_it_simulated(headless) -> None:
    result = headless.run(["--simulate-exporter"], [
        "sh", "-c", "vram-client --frames -1 >/dev/null & sluicectl headless wait 1; "
        "sluicectl paths; sluicectl sources; kill $!"])
    assert re.search(r"cpu \(no-gpu-import\), simulated$", result.output, re.MULTILINE)
    assert re.search(r"\bsimulated\b.*\n", result.output.split("VRAM read by the CPU")[1])


def test_ordinary_windows_are_not(headless) -> None:
    result = headless.run(["--frames=1", "--format=hash"], ["weston-simple-shm"])
    assert "simulated" not in str(result.manifest)


def broken(headless, fault: str):
    """The surface, as the manifest has it before and after."""
    result = run(headless, f"wait 1\ncapture a\nfault {fault}\nsleep 3\ncapture b\n", *ONE_FRAME)
    assert result.status == 0, result.output
    assert not numpy.array_equal(result.picture("a.png"), result.picture("b.png"))
    before, after = (line["surfaces"][0] for line in result.manifest)
    assert before["path"] == "scanout"
    assert after["path"] == "none" and after["simulated"] is True
    return result, after


def test_revoked(headless) -> None:
    result, surface = broken(headless, "revoke")
    assert surface["reason"] == "revoked"
    assert re.search(r"^revoked ", result.output, re.MULTILINE)


def test_unplugged(headless) -> None:
    result, surface = broken(headless, "unplug")
    assert surface["reason"] in ("revoked", "gone")
    assert re.search(r"^revoked ", result.output, re.MULTILINE)


def test_restored(headless) -> None:
    """What is presented after that is shown."""
    text = ("wait 1\nfault revoke\nsleep 3\nfault restore\nwait 1\nwindow again\nrefresh 2\n"
            "capture a\n")
    script = headless.tmp / "fault.sluice"
    script.write_text(text)
    result = headless.run(
        ["--simulate-exporter=16", "--output=640x360", f"--script={script}"],
        ["sh", "-c", "vram-client --frames -1 & sleep 4; kill $!; "
         "exec vram-client --title again --frames -1 --fullscreen"])
    assert result.status == 0, result.output
    assert (result.picture("a.png") == patterns.picture("frame-number", 640, 360, 1)).all()


def test_a_wrong_stride(headless) -> None:
    """One that does not fit is refused, with a reason."""
    result = run(headless, "fault stride\nsleep 1\n", *ONE_FRAME)
    assert re.search(r"^buffer 0 failed too_small ", result.output, re.MULTILINE)
    assert re.search(r"^buffer 1 created$", result.output, re.MULTILINE)


def test_a_wrong_stride_that_fits(headless) -> None:
    """One that is possible is believed: rows are 16 pixels longer than the producer's."""
    result = run(headless, "fault stride\nwait 1\ncapture a\n", *ONE_FRAME, "--pattern",
                 "gradient", "--range", "0+1048576", "--size", "640x360")
    assert result.status == 0, result.output
    drawn = patterns.picture("gradient", 640, 360).reshape(-1, 3)
    rows = [drawn[y * 656:y * 656 + 640] for y in range(340)]
    assert (result.picture("a.png")[:340] == rows).all()


def test_a_short_buffer(headless) -> None:
    result = run(headless, "fault short\nsleep 1\n", *ONE_FRAME)
    assert re.search(r"^buffer 0 failed too_small ", result.output, re.MULTILINE)


def test_a_late_commit(headless) -> None:
    result = run(headless, "wait 3\ncapture a\nfault late 5\nwait 1\ncapture b\nwait 1\n"
                 "capture c\n", "--fullscreen")
    assert result.status == 0, result.output
    times = [line["time"] / REFRESH for line in result.manifest]
    # The fourth frame was committed before; the fifth is the one that is late
    assert [round(after - before) for before, after in zip(times, times[1:])] == [1, 5]
    assert (result.picture("c.png") == patterns.picture("frame-number", 640, 360, 5)).all()


def test_captured_into_what_was_revoked(headless) -> None:
    script = headless.tmp / "fault.sluice"
    script.write_text("wait 1\ncapture a\nfault revoke\nwait 1\ncapture b\nsleep 9\n")
    result = headless.run(["--simulate-exporter=16", "--capture-into=simulated",
                           f"--script={script}"], ["weston-simple-shm"])
    assert result.status == 1
    assert "simulated: a frame cannot be written into its VRAM: " in result.output


def test_without_an_exporter(headless) -> None:
    script = headless.tmp / "fault.sluice"
    script.write_text("wait 1\nfault revoke\n")
    result = headless.run([f"--script={script}"], ["weston-simple-shm"])
    assert result.status == 1
    assert "fault.sluice:2: fault: there is no simulated exporter" in result.output
