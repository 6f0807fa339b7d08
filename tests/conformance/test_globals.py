"""Which globals there are, and which of them a client in a sandbox sees."""

from __future__ import annotations

import re
from pathlib import Path

from integration.conftest import Programs

HERE = Path(__file__).parent
IN_SANDBOX = Path("/build/meson/tests/conformance/in-sandbox")
GLOBAL = re.compile(r"^interface: '(\w+)',\s+version:\s+(\d+)", re.MULTILINE)


def listed(name: str) -> dict[str, int]:
    """A checked-in list: a line for each global, with its version."""
    lines = (HERE / name).read_text().splitlines()
    return {interface: int(version) for interface, version in
            (line.split() for line in lines if line and not line.startswith("#"))}


def offered(programs: Programs, *command: str, display: str) -> dict[str, int]:
    result = programs.run(*command, "wayland-info", WAYLAND_DISPLAY=display)
    assert result.returncode == 0, result.stderr
    return {name: int(version) for name, version in GLOBAL.findall(result.stdout)}


def test_all_globals_are_there(session: tuple[Programs, str]) -> None:
    programs, display = session
    assert offered(programs, display=display) == listed("globals.txt")


def test_a_sandbox_sees_only_harmless_ones(session: tuple[Programs, str]) -> None:
    programs, display = session
    everything = listed("globals.txt")
    inside = offered(programs, str(IN_SANDBOX), display=display)
    assert inside == {name: everything[name] for name in listed("globals-sandbox.txt")}
    # Whatever the lists say: these would let it read the screen, type, or leave the sandbox
    for name in ("zwlr_screencopy_manager_v1", "ext_image_copy_capture_manager_v1",
                 "ext_data_control_manager_v1", "zwlr_data_control_manager_v1",
                 "zwp_virtual_keyboard_manager_v1", "zwlr_virtual_pointer_manager_v1",
                 "zwp_input_method_manager_v2", "zwlr_layer_shell_v1",
                 "ext_session_lock_manager_v1", "ext_transient_seat_manager_v1",
                 "wp_security_context_manager_v1", "sluice_vram_manager_v1"):
        assert name in everything and name not in inside
