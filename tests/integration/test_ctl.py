"""sluicectl, and the socket that it speaks to."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest


class TestWithoutACompositor:
    def test_help_and_version(self, programs) -> None:
        helped = programs.run("sluicectl", "--help")
        assert helped.returncode == 0
        assert helped.stdout.startswith("Usage: sluicectl")
        for command in ("version", "exit", "outputs", "windows", "sources"):
            assert f"\n  {command} " in helped.stdout
            own = programs.run("sluicectl", command, "--help")
            assert own.returncode == 0
            assert own.stdout.startswith(f"Usage: sluicectl [options] {command}")
        assert programs.run("sluicectl", "--version").stdout.startswith("sluicectl ")

    @pytest.mark.parametrize("arguments, message", [
        ([], "which command?"),
        (["--nonsense"], "unrecognized option"),
        (["windwos"], 'no command "windwos"; is "windows" meant?'),
        (["zebra"], 'no command "zebra"'),
        (["windows", "1"], "sluicectl windows: it takes no arguments"),
    ])
    def test_what_is_not_understood(self, programs, arguments: list[str], message: str) -> None:
        result = programs.run("sluicectl", *arguments)
        assert result.returncode == 2
        assert message in result.stderr
        assert "--help" in result.stderr

    def test_there_is_none(self, programs) -> None:
        result = programs.run("sluicectl", "windows", cleared=("SLUICE_SOCK",))
        assert result.returncode == 1
        assert "no sluice is running here" in result.stderr
        result = programs.run("sluicectl", "-s", "/nonexistent.sock", "windows")
        assert result.returncode == 1
        assert "no sluice answers at /nonexistent.sock" in result.stderr
        result = programs.run("sluicectl", "windows", cleared=("SLUICE_SOCK", "XDG_RUNTIME_DIR"))
        assert result.returncode == 1
        assert "SLUICE_SOCK" in result.stderr


class TestWithOne:
    def test_it_is_ours_alone(self, session) -> None:
        programs, display = session
        path = programs.runtime / f"sluice-{display}.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_version_and_lists(self, session) -> None:
        programs, display = session
        assert programs.run("sluicectl", "version").stdout.startswith("sluice ")
        outputs = json.loads(programs.run("sluicectl", "--json", "outputs").stdout)
        assert [output["name"] for output in outputs] == ["HEADLESS-1"]
        assert outputs[0]["box"] == {"x": 0, "y": 0, "width": 1280, "height": 720}
        text = programs.run("sluicectl", "outputs")
        assert text.stdout.startswith("HEADLESS-1  ")
        assert "\033" not in text.stdout
        assert programs.run("sluicectl", "windows").stderr == "no windows\n"
        assert programs.run("sluicectl", "-j", "windows").stdout == "[]\n"
        assert programs.run("sluicectl", "sources").stderr == "no sources\n"

    def test_windows(self, session) -> None:
        programs, display = session
        with programs.drawn("shm-client", "--size", "320x240", "--title", "a\x1b[31mb",
                            display=display) as client:
            windows = json.loads(programs.run("sluicectl", "--json", "windows").stdout)
            assert len(windows) == 1
            assert windows[0]["title"] == "a\x1b[31mb"
            assert windows[0]["pid"] == client.pid
            assert windows[0]["focused"] and not windows[0]["fullscreen"]
            assert windows[0]["box"] == {"x": 480, "y": 240, "width": 320, "height": 240}
            text = programs.run("sluicectl", "windows").stdout
            assert '"a?[31mb"' in text

    def test_actions(self, session) -> None:
        programs, display = session

        def do(*words: str) -> str:
            result = programs.run("sluicectl", *words)
            assert result.returncode in (0, 1), result.stderr
            return result.stderr

        def windows() -> list[dict]:
            return json.loads(programs.run("sluicectl", "--json", "windows").stdout)

        assert do("close") == "sluicectl: there is no window\n"
        def client(title: str):
            return programs.drawn("shm-client", "--size", "320x240", "--title", title,
                                  display=display)

        with client("one"), client("two"), client("three") as three:
            ids = {window["title"]: str(window["id"]) for window in windows()}
            assert len(set(ids.values())) == 3

            assert do("focus", ids["one"]) == ""
            assert windows()[0]["title"] == "one" and windows()[0]["focused"]
            before = windows()[1]["title"]
            do("focus", "previous")
            assert windows()[0]["title"] == before
            do("focus", "previous")
            assert windows()[0]["title"] == "one"
            assert {windows()[0]["title"] for _ in range(3) if not do("focus", "next")} == set(ids)
            assert "there is no window 999" in do("focus", "999")

            do("move", "-20", "30", ids["two"])
            two, = (window for window in windows() if window["title"] == "two")
            assert (two["box"]["x"], two["box"]["y"]) == (-20, 30)
            do("fullscreen", "on", ids["two"])
            two, = (window for window in windows() if window["title"] == "two")
            assert two["fullscreen"]
            assert "the window fills its screen" in do("move", "0", "0", ids["two"])
            do("fullscreen", "toggle", ids["two"])
            do("maximize")
            assert windows()[0]["maximized"]
            do("close", ids["three"])
            assert three.wait(10) is not None
            assert "does not run on a console" in do("switch-vt", "2")

    def test_exec(self, session) -> None:
        programs, display = session
        file = programs.runtime / "said"
        assert programs.run("sluicectl", "exec", "sh", "-c",
                            f"echo $WAYLAND_DISPLAY > {file}.new; mv {file}.new {file}"
                            ).returncode == 0
        deadline = time.monotonic() + 10
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert file.read_text() == f"{display}\n"
        result = programs.run("sluicectl", "exec", "no-such-program")
        assert result.returncode == 1
        assert "no-such-program" in result.stderr
        result = programs.run("sluicectl", "focus")
        assert result.returncode == 2
        assert "sluicectl focus: too few words follow" in result.stderr

    def test_the_end(self, programs) -> None:
        with programs.start("sluice") as process:
            programs.wait_display()
            result = programs.run("sluicectl", "exit")
            assert result.returncode == 0, result.stderr
            assert process.wait(10) == 0
        assert list(programs.runtime.glob("sluice-*")) == []

    def test_children_are_told(self, programs) -> None:
        result = programs.run("sluice", "kiosk", "--", "sh", "-c",
                              'test "$SLUICE_SOCK" = "$XDG_RUNTIME_DIR/sluice-$WAYLAND_DISPLAY.sock"'
                              " && sluicectl version")
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("sluice ")


class TestEvents:
    def test_windows_outputs_and_the_configuration(self, programs) -> None:
        file = programs.runtime / "config"
        file.write_text("")
        with programs.start("sluice", "-c", str(file)) as process:
            display = programs.wait_display()
            with programs.start("sluicectl", "--json", "subscribe", "window", "output",
                                "config") as listener:
                events: list[dict] = []

                def next_event() -> tuple[str, str, object]:
                    event = json.loads(listener.stdout.readline())
                    events.append(event)
                    return event["event"], event["data"]["change"], event["data"][event["event"]]

                # Until it listens, nothing is heard
                while b"sluicectl" not in Path(f"/proc/{listener.pid}/cmdline").read_bytes():
                    time.sleep(0.02)
                time.sleep(0.3)
                with programs.drawn("shm-client", "--title", "one", display=display):
                    assert next_event()[:2] == ("window", "opened")
                    name, change, window = next_event()
                    assert (name, change) == ("window", "focused")
                    assert window["title"] == "one"
                assert next_event()[:2] == ("window", "closed")

                file.write_text("output * {\n scale 2\n}\n")
                assert programs.run("sluicectl", "reload").returncode == 0
                name, change, output = next_event()
                assert (name, change, output["scale"]) == ("output", "changed", 2)
                assert next_event() == ("config", "reloaded", None)
                file.write_text("zebra\n")
                assert programs.run("sluicectl", "reload").returncode == 1
                name, change, error = next_event()
                assert (name, change) == ("config", "failed")
                assert f"{file}:1: " in error

                programs.run("sluicectl", "exit")
                assert listener.wait(10) == 1
            assert process.wait(10) == 0

    def test_for_people(self, session) -> None:
        programs, display = session
        with programs.start("sluicectl", "subscribe") as listener:
            time.sleep(0.5)
            with programs.drawn("shm-client", "--title", "a\x1bb", display=display):
                assert listener.stdout.readline() == 'window opened: 1 "a?b"\n'
            listener.terminate()

    def test_what_is_no_event(self, session) -> None:
        programs, display = session
        result = programs.run("sluicectl", "subscribe", "windwo")
        assert result.returncode == 1
        assert 'no event "windwo"; is "window" meant?' in result.stderr

    def test_counters_and_paths(self, session) -> None:
        programs, display = session
        counters = json.loads(programs.run("sluicectl", "-j", "counters").stdout)
        assert counters["vram_bytes_read"] == 0
        assert "no surface shows an image in VRAM" in programs.run("sluicectl", "paths").stderr
