"""The configuration on a real screen and real input devices, judged by what they then show and send."""

from __future__ import annotations

import json

import numpy
import pytest

from lib import patterns
from rig import Rig
from rig.session import Sluice, holding, press

RIG = {"size": (800, 600), "input": True}

FILE = "/tmp/config"


def start(rig: Rig, text: str) -> Sluice:
    rig.write(FILE, text)
    return Sluice(rig, "-c", FILE)


def reload(sluice: Sluice, text: str) -> str:
    """What sluicectl says of a new configuration: nothing, if it is good."""
    sluice.rig.write(FILE, text)
    return sluice.rig.run(["sluicectl", "reload"]).output


def ask(sluice: Sluice, command: str) -> list[dict]:
    return json.loads(sluice.rig.run(["sluicectl", "--json", command], check=True).stdout)


class TestOutputs:
    def test_mode_and_transform(self, rig: Rig) -> None:
        sluice = start(rig, "output Virtual-1 {\n mode 1024x768\n}\n")
        assert rig.screendump().shape[:2] == (768, 1024)
        client = sluice.shm("--fullscreen", "--pattern", "gradient")
        client.wait_for("^drawn 1024x768")
        rig.wait_pixels(patterns.picture("gradient", 1024, 768))

        # By EDID, whose serial number QEMU has none for
        output, = ask(sluice, "outputs")
        name = f"{output['make']} {output['model']} *"
        assert reload(sluice, f'output "{name}" {{\n mode 800x600\n transform 90\n}}\n') == ""
        client.wait_for("^drawn 600x800")
        picture = patterns.picture("gradient", 600, 800)
        rig.wait_pixels(numpy.rot90(picture, 1))
        assert reload(sluice, f'output "{name}" {{\n mode 800x600\n transform flipped\n}}\n') == ""
        client.wait_for("^drawn 800x600")
        rig.wait_pixels(patterns.picture("gradient", 800, 600)[:, ::-1])

    def test_scale(self, rig: Rig) -> None:
        sluice = start(rig, "output * {\n scale 2\n}\n")
        client = sluice.shm("--fullscreen", "--pattern", "solid:3366cc")
        client.wait_for("^drawn 400x300")
        rig.wait_pixels(patterns.picture("solid:3366cc", 800, 600))
        output, = ask(sluice, "outputs")
        assert output["box"] == {"x": 0, "y": 0, "width": 400, "height": 300}

    def test_what_the_screen_has_not(self, rig: Rig) -> None:
        sluice = start(rig, "")
        said = reload(sluice, "output Virtual-1 {\n mode 801x601\n}\n")
        assert "Virtual-1: it has no mode 801x601" in said
        assert rig.screendump().shape[:2] == (600, 800)

    def test_a_mode_that_the_driver_refuses(self, rig: Rig) -> None:
        # Wider than any framebuffer of virtio-gpu
        sluice = start(rig, "")
        client = sluice.shm("--fullscreen", "--pattern", "gradient")
        client.wait_for("^drawn 800x600")
        before = ask(sluice, "outputs")
        said = reload(sluice, "output Virtual-1 {\n custom-mode 8200x16\n}\n")
        assert "they stay as they were" in said
        assert ask(sluice, "outputs") == before
        rig.wait_pixels(patterns.picture("gradient", 800, 600))
        # At the start, the screen is lit all the same
        sluice.process.terminate()
        sluice.process.wait()
        sluice = start(rig, "output Virtual-1 {\n custom-mode 8200x16\n}\n")
        assert "does not work as it is configured" in sluice.log
        assert ask(sluice, "outputs")[0]["mode"]["width"] > 0


class TestInput:
    def test_the_keymap_changes(self, rig: Rig) -> None:
        """A binding is to a letter, and where that is says the keymap."""
        bindings = "bind z exec touch /tmp/z\nbind odiaeresis exec touch /tmp/o\n"

        def typed(key: str) -> str:
            rig.run("rm -f /tmp/z /tmp/o", check=True)
            rig.key(key)
            rig.guest.wait(lambda: bool(files()), 2)
            return files()

        def files() -> str:
            return rig.run("cd /tmp && ls z o 2>/dev/null").stdout.replace("\n", "")

        sluice = start(rig, bindings + "input keyboard {\n xkb-layout us\n}\n")
        client = sluice.shm("--pattern", "gradient")
        client.wait_for("^keyboard enter$")
        keyboards = [device for device in ask(sluice, "inputs") if device["type"] == "keyboard"]
        assert {layout for device in keyboards
                for layout in device["keyboard"]["layouts"]} == {"English (US)"}
        assert typed("z") == "z"
        assert typed("y") == typed("semicolon") == ""
        assert reload(sluice, bindings + "input keyboard {\n xkb-layout de\n}\n") == ""
        assert typed("y") == "z"
        assert typed("semicolon") == "o"
        assert typed("z") == ""
        # By name, and more special than the type
        name = keyboards[0]["name"]
        assert reload(sluice, "input keyboard {\n xkb-layout us\n}\n"
                      f'input "{name}" {{\n xkb-layout fr\n}}\n') == ""
        layouts = {device["name"]: device["keyboard"]["layouts"]
                   for device in ask(sluice, "inputs") if device["type"] == "keyboard"}
        assert layouts[name] == ["French"]
        said = reload(sluice, "input keyboard {\n xkb-layout nowhere\n}\n")
        assert f'{FILE}:1: xkb knows no keymap of layout "nowhere"' in said
        assert {device["name"]: device["keyboard"]["layouts"] for device in ask(sluice, "inputs")
                if device["type"] == "keyboard"} == layouts

    def test_bindings_and_what_they_swallow(self, rig: Rig) -> None:
        sluice = start(rig, "bind Logo+Shift+e exec touch /tmp/done\nbind F5 close\n")
        client = sluice.shm("--pattern", "gradient")
        client.wait_for("^keyboard enter$")
        rig.key("a")
        client.wait_for("^key 30 released$")
        with holding(rig, "meta_l"), holding(rig, "shift"), holding(rig, "e"):
            pass
        rig.guest.wait(lambda: rig.run(["test", "-e", "/tmp/done"]).status == 0, 30)
        assert rig.run(["test", "-e", "/tmp/done"]).status == 0
        # Without the modifiers it is a key as any other, and one that was bound is not seen at all
        rig.key("e")
        client.wait_for("^key 18 released$")
        assert client.process.output.count("key 18 pressed") == 1
        assert client.process.output.count("key 18 released") == 1
        rig.key("f5")
        client.process.wait()

    @pytest.mark.parametrize("device", ["pointer", "*"])
    def test_left_handed(self, rig: Rig, device: str) -> None:
        sluice = start(rig, f"input {device} {{\n left-handed on\n}}\n")
        client = sluice.shm("--fullscreen", "--pattern", "gradient")
        client.wait_for("^drawn 800x600")
        pointers = [device for device in ask(sluice, "inputs") if device["type"] == "pointer"]
        if not any("left-handed" in device["settings"] for device in pointers):
            pytest.skip("QEMU's pointers cannot be left-handed")
        rig.pointer(0.4, 0.4)
        rig.pointer(0.5, 0.5)
        press(rig, "left", True)
        press(rig, "left", False)
        client.wait_for("^button 273 released$")
        assert reload(sluice, "") == ""
        press(rig, "left", True)
        press(rig, "left", False)
        client.wait_for("^button 272 released$")

    def test_a_setting_that_a_device_has_not(self, rig: Rig) -> None:
        sluice = start(rig, "")
        name = next(device["name"] for device in ask(sluice, "inputs")
                    if device["type"] == "pointer")
        assert reload(sluice, "input * {\n tap on\n}\n") == ""
        said = reload(sluice, f'input "{name}" {{\n tap on\n}}\n')
        assert f'input device "{name}": tap: the device has no such setting' in said


class TestSources:
    def test_paths_counters_and_events(self, rig: Rig) -> None:
        sluice = start(rig, "")
        listener = sluice.spawn("sluicectl", "subscribe", "source", "path")
        window = sluice.vram("--step", "--pattern", "gradient", "--size", "200x100",
                             "--buffers", "2")
        window.wait_for("^ready$")
        window.do("frame")
        window.wait_path("cpu")
        source, = ask(sluice, "sources")
        assert source["exporter"] == rig.exporters[0].bdf
        assert (source["state"], source["exports"], source["revocations"]) == ("ready", 2, 0)
        surface, = source["surfaces"]
        assert surface["path"] == "cpu"
        assert surface["scanout_reason"]["name"] == "not-fullscreen"
        assert surface["frames"]["cpu"] >= 1 and surface["frames"]["scanout"] == 0
        assert surface["vram_bytes_read"] == 200 * 100 * 4
        assert ask(sluice, "counters")["vram_bytes_read"] == 200 * 100 * 4
        window.quit()
        rig.guest.wait(lambda: ask(sluice, "sources") == [], 30)

        screen = sluice.vram("--step", "--pattern", "gradient", "--fullscreen", "--buffers", "2")
        screen.wait_for("^ready$")
        for _ in range(4):
            screen.do("frame")
        screen.wait_path("scanout", "ok")
        surface, = ask(sluice, "paths")
        assert (surface["path"], surface["output"]) == ("scanout", "Virtual-1")
        assert surface["frames"]["scanout"] >= 1
        screen.do("memory off")
        screen.wait_for("^revoked memory_disabled$", 10)
        source, = ask(sluice, "sources")
        assert (source["state"], source["revocations"]) == ("revoked", 1)
        for line in (r"source added: .*", r"source state: .* ready", r'path changed: ".*" cpu \(.*\)',
                     r"source removed: .*", r'path changed: ".*" scanout \(ok\)',
                     r"source state: .* revoked"):
            listener.wait_for(rf"^{line}$")
