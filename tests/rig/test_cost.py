"""A frame has not become dearer: what it costs in instructions, of what a bare loop costs in them."""

from __future__ import annotations

import pytest

from perf.perf import DEARER, FLOOR, PROGRAMS, measure, measure_floor, times_then
from rig import Rig

SIZE = (1280, 720)
FRAMES = 300
RIG = {"size": SIZE, "icount": True}


@pytest.fixture(scope="module")
def floor(rig: Rig) -> int:
    return measure_floor(rig, SIZE, FRAMES).ns_per_frame


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.process == "sluice"],
                         ids=lambda program: program.protocol)
def test_a_frame_costs_what_was_recorded(rig: Rig, floor: int, program) -> None:
    times = measure(rig, program, SIZE, FRAMES, steady=False).ns_per_frame / floor
    then = times_then(SIZE)
    assert then[FLOOR] == 1
    print(f"{program.name}: {times:.2f} of the floor, {then[program.name]:.2f} when recorded")
    assert times <= then[program.name] * DEARER
