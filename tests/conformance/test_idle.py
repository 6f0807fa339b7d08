"""Who is told that nobody is there: ext-idle-notify, of each seat by itself, and what inhibits it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from conformance.test_clients import Session
from conformance.test_panels import KEY_B, SECOND_SEAT
from lib.acting import Actor

SECOND = "transient1"
BOTH = {"seat0", SECOND}


class Idleness:
    """Two seats, and a client that is told when one of them has been idle for a second."""

    def __init__(self, session: Session) -> None:
        programs, display = session
        environment = programs.environment(WAYLAND_DISPLAY=display)
        self.people = {"seat0": Actor(environment, SECOND_SEAT, "first"),
                       SECOND: Actor(environment, SECOND_SEAT)}
        for seat, person in self.people.items():
            person.wait(lambda heard, seat=seat: heard == [f"ready {seat}"])
        self.actor = Actor(environment)
        self.actor.tell("window one 400 300")
        self.actor.wait(lambda heard: "drawn one 400x300" in heard)
        self.actor.tell("idle 1000")

    def idle(self) -> set[str]:
        """The seats that are."""
        seats = set()
        for word, *rest in (line.split() for line in self.actor.heard):
            if word == "idled":
                seats.add(rest[0])
            elif word == "resumed":
                seats.discard(rest[0])
        return seats

    def wait(self, seats: set[str]) -> None:
        self.actor.wait(lambda _: self.idle() == seats)

    def type(self, seat: str) -> None:
        self.people[seat].tell(f"key {KEY_B}")
        self.people[seat].wait(lambda heard: heard[-1] == "ok")


@pytest.fixture
def idleness(session: Session) -> Iterator[Idleness]:
    it = Idleness(session)
    yield it
    it.actor.end()
    for person in it.people.values():
        person.end()


@pytest.mark.parametrize("seat", sorted(BOTH))
def test_who_is_there_is_there_alone(idleness: Idleness, seat: str) -> None:
    idleness.wait(BOTH)
    idleness.type(seat)
    idleness.wait(BOTH - {seat})
    assert idleness.actor.heard.count(f"resumed {seat}") == 1
    idleness.wait(BOTH)
    assert not [line for line in idleness.actor.heard
                if line.startswith("resumed") and line != f"resumed {seat}"]


def test_what_inhibits_it_is_for_all_seats(idleness: Idleness) -> None:
    idleness.wait(BOTH)
    idleness.actor.tell("inhibit one")
    idleness.wait(set())
    time.sleep(2)
    assert idleness.idle() == set()
    # It counts as long as its surface can be seen
    idleness.actor.tell("close one")
    idleness.wait(BOTH)
