"""The same input gives the same frames, bit by bit, on an idle machine and on a busy one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.headless import Headless

RUNS = 20

FOOT = ["foot", "sh", "-c",
        "sleep 0.1; for i in $(seq 40); do echo \"line $i: $(date)\"; sleep 0.1; done"]
# Its animation is drawn from the time of the frame clock. Drawing with GL takes llvmpipe seconds
GTK = ["env", "GSK_RENDERER=cairo", "gtk4-demo", "--run=paintable_animated"]

CLIENTS = {
    "simple-shm": ["weston-simple-shm"],
    "presentation-shm": ["weston-presentation-shm"],
    "gtk4": GTK,
    "foot": FOOT,
}
FRAMES = 15

clients = pytest.mark.parametrize("client", CLIENTS)


def capture(headless: Headless, client: str, at_once: int) -> set[str]:
    def run(number: int):
        return headless.run(["--format=hash", f"--frames={FRAMES}"], CLIENTS[client],
                            directory=headless.tmp / f"run-{number}")

    with ThreadPoolExecutor(at_once) as executor:
        results = list(executor.map(run, range(RUNS)))
    for result in results:
        assert result.status == 0, result.output
        assert len(result.manifest) == FRAMES
    # It is an animation that was captured
    assert len(set(results[0].hashes)) > FRAMES // 2
    return {result.digest() for result in results}


@clients
def test_on_an_idle_machine(headless, client: str) -> None:
    assert len(capture(headless, client, 1)) == 1


@clients
def test_on_a_busy_machine(headless, load, client: str) -> None:
    """Busy with others, and with several of these."""
    assert len(capture(headless, client, 4)) == 1


def test_a_frame_callback_is_a_frame(headless) -> None:
    """Each frame is one refresh after the last: no callback was answered late."""
    result = headless.run(["--format=hash", "--frames=100", "--output=640x480@100"],
                          ["weston-simple-shm"])
    assert result.status == 0, result.output
    times = [line["time"] for line in result.manifest]
    assert {after - before for before, after in zip(times, times[1:])} == {10_000_000}
