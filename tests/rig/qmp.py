"""QEMU's machine protocol: one JSON object a line, over a socket."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any


class QmpError(RuntimeError):
    """QEMU refused a command, or is gone."""


class Qmp:
    """A QMP session. May be used from several threads; commands run one at a time."""

    def __init__(self, connection: socket.socket, timeout: float = 60) -> None:
        self._socket = connection
        self._received = b""
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []
        self._read(time.monotonic() + timeout)
        self.command("qmp_capabilities")

    def command(self, name: str, timeout: float = 60, **arguments: Any) -> Any:
        """Runs a command; underscores in argument names stand for hyphens."""
        request: dict[str, Any] = {"execute": name}
        if arguments:
            request["arguments"] = {key.replace("_", "-"): value
                                    for key, value in arguments.items()}
        deadline = time.monotonic() + timeout
        with self._lock:
            try:
                self._socket.sendall(json.dumps(request).encode() + b"\n")
            except OSError as error:
                raise QmpError(f"{name}: QEMU is gone ({error})") from error
            while True:
                answer = self._read(deadline)
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise QmpError(f"{name}: {answer['error']['desc']}")
                self._events.append(answer)

    def wait_event(self, name: str, timeout: float = 60, **data: Any) -> dict[str, Any]:
        """The first event since the last call that has this name and these data."""
        deadline = time.monotonic() + timeout
        with self._lock:
            while True:
                for event in self._events:
                    if event.get("event") == name and all(
                            event.get("data", {}).get(key) == value
                            for key, value in data.items()):
                        self._events.remove(event)
                        return event
                self._events.append(self._read(deadline))

    def forget_events(self) -> None:
        with self._lock:
            self._events.clear()

    def close(self) -> None:
        self._socket.close()

    def _read(self, deadline: float) -> dict[str, Any]:
        while b"\n" not in self._received:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except TimeoutError as error:
                raise QmpError("QEMU did not answer in time") from error
            except OSError as error:
                raise QmpError(f"QEMU is gone ({error})") from error
            if not data:
                raise QmpError("QEMU is gone")
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)
