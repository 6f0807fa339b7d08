"""A session and a kiosk: windows, keys, captures, and ends; with what it means for the path."""

from __future__ import annotations

import io
import re
import time

import numpy
import pytest
from PIL import Image

from lib import patterns
from lib.patterns import Pixels
from rig import Rig
from rig.session import (SETTLE, Client, Sluice, Trace, click, drag, holding, place, point,
                         press, scanned_out)

RIG = {"size": (800, 600), "input": True}

WIDTH, HEIGHT = 800, 600
NOTHING = patterns.picture("solid:000000", WIDTH, HEIGHT)


def middle(size: tuple[int, int]) -> tuple[int, int]:
    """Where a new window of this size is put."""
    return (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2


def shm_window(sluice: Sluice, size: tuple[int, int] | None, pattern: str = "gradient") -> Client:
    client = sluice.shm("--pattern", pattern,
                        *(["--size", f"{size[0]}x{size[1]}"] if size else []))
    client.wait_for("^drawn")
    client.wait_for("^keyboard enter$")
    return client


def vram_window(sluice: Sluice, *arguments: str) -> Client:
    client = sluice.vram("--step", "--pattern", "gradient", *arguments)
    client.wait_for("^ready$")
    client.do("frame")
    return client


def tap(rig: Rig, modifier: str, key: str) -> None:
    with holding(rig, modifier), holding(rig, key):
        pass


def chord(rig: Rig, key: str) -> None:
    tap(rig, "meta_l", key)


def capture(sluice: Sluice) -> Pixels:
    result = sluice.rig.run(["grim", "/tmp/capture.png"], env={"WAYLAND_DISPLAY": sluice.display})
    assert result.status == 0, result.output
    with Image.open(io.BytesIO(sluice.rig.read("/tmp/capture.png"))) as image:
        return numpy.array(image.convert("RGB"))


class TestWindows:
    def test_a_click_focuses_and_raises(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        below = shm_window(sluice, (400, 300))
        above = shm_window(sluice, (200, 150), "solid:3366cc")
        below.wait_for("^keyboard leave$")
        click(rig, *(edge + 5 for edge in middle((400, 300))))
        below.wait_for("^keyboard enter$")
        above.wait_for("^keyboard leave$")
        below.wait_for("^button 272 pressed$")
        rig.wait_pixels(place(NOTHING, patterns.picture("gradient", 400, 300),
                              *middle((400, 300))))
        rig.key("a")
        below.wait_for("^key 30 pressed$")
        assert "key 30" not in above.process.output

    def test_alt_tab_goes_round(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        windows = [shm_window(sluice, (200 + 20 * n, 200)) for n in range(3)]
        seen = set()
        for _ in windows:
            before = [len(window.process.output) for window in windows]
            tap(rig, "alt", "tab")
            entered = [n for n, window in enumerate(windows)
                       if "keyboard enter" in window.process.output[before[n]:]]
            assert len(entered) == 1
            seen.add(entered[0])
        assert seen == {0, 1, 2}

    def test_the_pointer_is_where_it_points(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        window = shm_window(sluice, (200, 100))
        x, y = middle((200, 100))
        point(rig, x + 30, y + 40)
        found = window.wait_for(r"^pointer enter ([\d.]+),([\d.]+)$")
        assert abs(float(found.group(1)) - 30.5) < 0.1
        assert abs(float(found.group(2)) - 40.5) < 0.1
        point(rig, x - 5, y)
        window.wait_for("^pointer leave$")

    def test_logo_and_drag_move_and_resize(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        window = shm_window(sluice, None)
        size = (320, 240)
        x, y = middle(size)
        rig.wait_pixels(place(NOTHING, patterns.picture("gradient", *size), x, y))
        drag(rig, (x + 20, y + 20), (x - 20, y - 10))
        x, y = x - 40, y - 30
        rig.wait_pixels(place(NOTHING, patterns.picture("gradient", *size), x, y))
        # The corner that is nearest follows, the opposite one stays
        drag(rig, (x + size[0] - 10, y + size[1] - 10), (x + size[0] + 50, y + size[1] + 10),
             "right")
        size = (size[0] + 60, size[1] + 20)
        window.wait_for(f"^drawn {size[0]}x{size[1]}$")
        rig.wait_pixels(place(NOTHING, patterns.picture("gradient", *size), x, y))
        drag(rig, (x + 10, y + 10), (x + 40, y + 30), "right")
        size, x, y = (size[0] - 30, size[1] - 20), x + 30, y + 20
        window.wait_for(f"^drawn {size[0]}x{size[1]}$")
        rig.wait_pixels(place(NOTHING, patterns.picture("gradient", *size), x, y))
        assert "button" not in window.process.output, "the drag was sluice's, not the window's"

    def test_logo_f_goes_to_scanout_and_back(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        client = vram_window(sluice)
        # What the client takes when nobody tells it how large to be
        size = (640, 480)
        drag(rig, (320, 240), (350, 260))
        client.wait_path("cpu")
        for _ in range(2):
            chord(rig, "f")
            client.wait_for(f"^configure {WIDTH}x{HEIGHT}$")
            client.do("frame")
            client.wait_path("scanout", "ok")
            rig.wait_pixels(patterns.picture("gradient", WIDTH, HEIGHT))
            assert scanned_out(rig).imported
            chord(rig, "f")
            client.wait_for(f"^configure {size[0]}x{size[1]}$")
            client.do("frame")
            client.wait_path("cpu", "no_gpu_import")
            x, y = middle(size)
            rig.wait_pixels(place(NOTHING, patterns.picture("gradient", *size), x + 30, y + 20))
            assert not scanned_out(rig).imported

    def test_a_covered_fullscreen_window_comes_back_to_scanout(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        client = vram_window(sluice, "--fullscreen")
        client.wait_path("scanout")
        cover = sluice.shm("--fullscreen", "--color", "804020")
        rig.wait_pixels(patterns.picture("solid:804020", WIDTH, HEIGHT))
        assert not scanned_out(rig).imported
        cover.quit()
        client.wait_path("scanout")
        rig.wait_pixels(patterns.picture("gradient", WIDTH, HEIGHT))
        assert scanned_out(rig).imported

    def test_logo_q_closes(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        window = shm_window(sluice, (200, 100))
        chord(rig, "q")
        window.wait_for("^close$")
        assert window.process.wait() == 0
        rig.wait_pixels(NOTHING)


class TestEnds:
    @pytest.mark.parametrize("command, status", [
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -TERM $$"], 128 + 15),
        (["true"], 0),
    ], ids=["exits", "is killed", "succeeds"])
    def test_a_kiosk_ends_as_its_command_does(self, rig: Rig, command: list[str],
                                              status: int) -> None:
        result = rig.run(["sluice", "kiosk", "--", *command], env={"WLR_RENDERER": "pixman"})
        assert result.status == status, result.output

    def test_a_kiosk_whose_command_does_not_exist_says_so(self, rig: Rig) -> None:
        result = rig.run(["sluice", "kiosk", "--", "no-such-program"],
                         env={"WLR_RENDERER": "pixman"})
        assert result.status == 1
        assert 'Cannot start "no-such-program": No such file or directory' in result.stderr

    def test_sigterm_ends_it_and_what_it_started(self, rig: Rig) -> None:
        sluice = Sluice(rig, "--", "sh", "-c", "trap '' HUP; vram-client --fullscreen --frames -1")
        sluice.wait_path("scanout")
        # To it alone: the rig's own signals reach all of a process group
        rig.run(["kill", str(sluice.process.pid)], check=True)
        assert sluice.process.wait(20) == 0
        deadline = time.monotonic() + 10
        while (left := rig.run("pgrep -x 'sluice|vram-client'").stdout) and \
                time.monotonic() < deadline:
            time.sleep(0.2)
        assert left == ""
        assert scanned_out(rig) is None or not scanned_out(rig).imported

    @pytest.mark.parametrize("asked, status", [(True, 0), (False, 1)], ids=["asked", "of itself"])
    def test_the_seat_ends_first(self, rig: Rig, asked: bool, status: int) -> None:
        """A signal to the process group may end libseat's seatd before sluice hears of it."""
        sluice = Sluice(rig)
        pid = sluice.process.pid
        rig.run(f"kill -STOP {pid}; seatd=$(pgrep -P {pid}); kill $seatd;"
                " while [ -e /proc/$seatd/fd/0 ]; do sleep 0.01; done;"
                f"{f' kill -TERM {pid};' if asked else ''} kill -CONT {pid}", check=True)
        assert sluice.process.wait(20) == status
        assert ("The backend is gone" in sluice.log) == (not asked)


class TestCaptures:
    def test_of_a_scanned_out_frame(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        client = vram_window(sluice, "--fullscreen", "--ranges", "3:5")
        client.wait_path("scanout")
        rig.wait_pixels(patterns.picture("gradient", WIDTH, HEIGHT))
        assert (capture(sluice) == patterns.picture("gradient", WIDTH, HEIGHT)).all()
        # It needs a composited frame, and no longer than it takes
        assert ("cpu", "no_gpu_import") in client.paths
        client.do("damage 0,0,1,1")
        client.wait_path("scanout")

    def test_of_a_composited_frame(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        shm_window(sluice, (400, 300), "solid:336699")
        vram_window(sluice, "--size", "300x200").wait_path("cpu")
        expected = place(place(NOTHING, patterns.picture("solid:336699", 400, 300),
                               *middle((400, 300))),
                         patterns.picture("gradient", 300, 200), *middle((300, 200)))
        rig.wait_pixels(expected)
        assert (capture(sluice) == expected).all()


def is_placeholder(screen: patterns.Pixels) -> bool:
    """Dark, with a line of light text in the middle and nowhere else."""
    dark = (abs(screen.astype(int) - (0x14, 0x14, 0x19)) <= 2).all(axis=2)
    top, bottom = HEIGHT // 2 - 40, HEIGHT // 2 + 40
    return bool(dark[:top].all() and dark[bottom:].all() and
                screen[top:bottom].max() > 0xb0 and dark[top:bottom].mean() > 0.8)


class TestDemotion:
    def test_a_format_that_the_importer_refuses_is_tried_once(self, rig: Rig) -> None:
        """Not once a frame: it is told, remembered, and another path is taken."""
        sluice = Sluice(rig, "--debug")
        trace = Trace(rig)
        client = sluice.vram("--fullscreen", "--buffers", "2", "--format", "XBGR8888",
                             "--frames", "60", "--pattern", "gradient")
        client.wait_for("^frame 59 callback", 60)
        rig.wait_pixels(patterns.picture("gradient", WIDTH, HEIGHT))
        client.wait_path("cpu")
        client.process.wait()
        assert len(re.findall(r"no more scanout of \S+, XB24.*\(test-failed\)", sluice.log)) == 1
        assert "no scanout: test-failed" in sluice.log
        # Once by wlroots' scene, and once by who asks why it was not done
        assert 1 <= sluice.log.count("Failed to import buffer for scan-out") <= 2
        traced = trace.read()
        assert traced.framebuffers == [] and traced.imports == 0

    def test_other_formats_are_not_demoted_with_it(self, rig: Rig) -> None:
        sluice = Sluice(rig)
        client = vram_window(sluice, "--fullscreen", "--format", "XBGR8888")
        client.wait_path("cpu")
        client.quit()
        client = vram_window(sluice, "--fullscreen")
        client.wait_path("scanout")
        rig.wait_pixels(patterns.picture("gradient", WIDTH, HEIGHT))

    def test_a_commit_that_fails_is_no_end(self, rig: Rig) -> None:
        """The memory is gone when the flip comes: a placeholder, and a new start on resume."""
        sluice = Sluice(rig)
        client = vram_window(sluice, "--fullscreen", "--buffers", "2", "--no-redraw")
        client.do("frame")
        client.wait_path("scanout")
        client.do("memory off")
        client.process.write("frame\n")  # answered by an error if the loss was noticed before
        client.wait_for("^(ok|error.*)$")
        client.wait_path("none", "revoked")
        assert "revoked memory_disabled" in client.process.output
        rig.wait_pixels(is_placeholder)
        window = shm_window(sluice, (100, 100), "solid:ff8800")
        time.sleep(SETTLE)
        assert sluice.log.count("Atomic commit failed") <= 1
        window.quit()
        client.do("memory on")
        client.do("resume")
        client.do("frame")
        client.wait_path("scanout", "ok")
        rig.wait_pixels(patterns.picture("gradient", WIDTH, HEIGHT))


    def test_a_failed_commit_of_a_client_that_exports_itself(self, rig: Rig) -> None:
        """There is no source to watch: only the commit tells, and it is tried once."""
        sluice = Sluice(rig)
        client = vram_window(sluice, "--fullscreen", "--buffers", "2", "--no-redraw",
                             "--protocol", "dmabuf")
        client.do("frame")
        client.wait_path("scanout")
        client.do("memory off")
        client.do("frame")
        client.wait_path("none", "revoked")
        rig.wait_pixels(patterns.picture("solid:141419", WIDTH, HEIGHT), tolerance=2)
        window = shm_window(sluice, (100, 100), "solid:ff8800")
        time.sleep(SETTLE)
        assert sluice.log.count("Atomic commit failed: No such device") == 1
        window.quit()
        client.quit()
        client = vram_window(sluice, "--fullscreen", "--protocol", "dmabuf")
        client.wait_path("scanout", "ok")
        rig.wait_pixels(patterns.picture("gradient", WIDTH, HEIGHT))


def test_the_globals_that_clients_want_are_there(rig: Rig) -> None:
    sluice = Sluice(rig)
    listed = rig.run("wayland-info", env={"WAYLAND_DISPLAY": sluice.display}, check=True).stdout
    versions = {name: int(version) for name, version in
                re.findall(r"^interface: '(\w+)',\s+version:\s+(\d+)", listed, re.MULTILINE)}
    wanted = {
        "wl_compositor": 6, "wl_subcompositor": 1, "wl_shm": 2, "wl_seat": 9, "wl_output": 4,
        "wl_data_device_manager": 3, "xdg_wm_base": 6, "zxdg_output_manager_v1": 3,
        "zwp_linux_dmabuf_v1": 5, "wp_viewporter": 1, "wp_presentation": 2,
        "wp_single_pixel_buffer_manager_v1": 1, "zwlr_screencopy_manager_v1": 3,
        "ext_image_copy_capture_manager_v1": 1,
        "ext_output_image_capture_source_manager_v1": 1, "sluice_vram_manager_v1": 1,
    }
    missing = {name: versions.get(name, 0) for name, version in wanted.items()
               if versions.get(name, 0) < version}
    assert missing == {}
    assert "main device: 0x" in listed, "linux-dmabuf tells which device scans out"
    # Fences for clients need a driver that has timelines, and a renderer that takes them
    if "wp_linux_drm_syncobj_manager_v1" not in versions:
        assert "timeline" not in rig.run("drm_info | grep -i 'syncobj_timeline = 1'").stdout
