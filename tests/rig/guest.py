"""The host's end of the guest agent: commands that run in the rig."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import agent


class RigError(RuntimeError):
    """The rig itself failed: it does not boot, it died, or a command cannot be started."""


@dataclass(frozen=True)
class Result:
    """How a command ended. A negative status is the signal it died of."""

    status: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


class CommandFailed(AssertionError):
    """A command that had to succeed did not."""

    def __init__(self, command: str, result: Result) -> None:
        super().__init__(f"{command}: exit status {result.status}\n{result.output}".rstrip())
        self.result = result


class Process:
    """A command in the guest, running or ended. Made by Rig.spawn()."""

    def __init__(self, guest: Guest, channel: int, command: str,
                 on_output: Callable[[int, bytes], None] | None = None) -> None:
        self.command = command
        self.pid = 0
        self.status: int | None = None
        self._guest = guest
        self._channel = channel
        self._on_output = on_output
        self._failure: str | None = None
        self._all = bytearray()
        self._each = {agent.STDOUT: bytearray(), agent.STDERR: bytearray()}
        self._position = 0

    @property
    def output(self) -> str:
        """Everything written so far, both streams in the order of arrival."""
        return self._all.decode(errors="replace")

    @property
    def stdout(self) -> str:
        return self._each[agent.STDOUT].decode(errors="replace")

    @property
    def stderr(self) -> str:
        return self._each[agent.STDERR].decode(errors="replace")

    @property
    def running(self) -> bool:
        return self.status is None

    def wait_for(self, pattern: str, timeout: float = 30) -> re.Match[str]:
        """Waits until the output matches, after the last match; ^ and $ match at lines.

        AssertionError, with the output, if it does not in time or if the command ends before.
        """
        compiled = re.compile(pattern, re.MULTILINE)

        def search() -> re.Match[str] | None:
            match = compiled.search(self.output, self._position)
            if match is not None:
                self._position = match.end()
            return match

        def ready() -> bool:
            return compiled.search(self.output, self._position) is not None or not self.running

        if not self._guest.wait(ready, timeout) or (match := search()) is None:
            why = f"not within {timeout} s" if self.running else f"ended with {self.status}"
            raise AssertionError(f"{self.command}: no {pattern!r} in its output ({why}):\n"
                                 f"{self.output[self._position:]}")
        return match

    def expect_no(self, pattern: str, during: float = 0) -> None:
        """AssertionError if the output after the last match has, or gets while we wait, a match."""
        compiled = re.compile(pattern, re.MULTILINE)
        self._guest.wait(lambda: compiled.search(self.output, self._position) is not None
                         or not self.running, during)
        if compiled.search(self.output, self._position) is not None:
            raise AssertionError(f"{self.command}: unexpected {pattern!r} in its output:\n"
                                 f"{self.output[self._position:]}")

    def write(self, data: str | bytes) -> None:
        """Writes to the command's standard input."""
        encoded = data.encode() if isinstance(data, str) else data
        for start in range(0, len(encoded), agent.CHUNK):
            self._guest.send(agent.STDIN, self._channel, encoded[start:start + agent.CHUNK])

    def close_stdin(self) -> None:
        self._guest.send(agent.STDIN_END, self._channel)

    def send_signal(self, number: int) -> None:
        """Sends a signal to the command's process group; nothing if it has ended."""
        if self.running:
            self._guest.send(agent.SIGNAL, self._channel, agent.STATUS.pack(number))

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 60) -> int:
        """Waits for the end; the exit status, or the negative number of the signal."""
        if not self._guest.wait(lambda: not self.running, timeout):
            raise AssertionError(f"{self.command}: still runs after {timeout} s:\n{self.output}")
        assert self.status is not None
        return self.status

    def result(self) -> Result:
        assert self.status is not None, f"{self.command} still runs"
        return Result(self.status, self.stdout, self.stderr)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what still runs, politely at first."""
        if self.running and self._guest.alive:
            self.terminate()
            try:
                self.wait(10)
            except AssertionError:
                self.kill()
                self.wait(10)

    def _receive(self, kind: int, payload: bytes) -> None:
        if kind == agent.STARTED:
            self.pid = agent.STATUS.unpack(payload)[0]
        elif kind == agent.FAILED:
            self._failure = json.loads(payload)[1]
        elif kind == agent.EXIT:
            self.status = agent.STATUS.unpack(payload)[0]
        elif kind in self._each:
            self._each[kind] += payload
            self._all += payload
            if self._on_output is not None:
                self._on_output(kind, payload)


class Guest:
    """The session with the guest agent."""

    def __init__(self, connection: socket.socket, death: Callable[[], str]) -> None:
        """death tells why the guest is gone, once it is."""
        self.alive = True
        self.processes: list[Process] = []
        self.hello: dict | None = None
        self._socket = connection
        self._death = death
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._by_channel: dict[int, Process] = {}
        self._channel = 0
        threading.Thread(target=self._read, name="rig guest", daemon=True).start()

    def wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Waits until the condition holds; RigError when the guest dies meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: condition() or not self.alive, timeout)
            if condition():
                return True
        if not self.alive:
            raise RigError(self._death())
        return False

    def send(self, kind: int, channel: int, payload: bytes = b"") -> None:
        try:
            with self._writing:
                self._socket.sendall(
                    agent.HEADER.pack(len(payload), kind, channel) + payload)
        except OSError as error:
            raise RigError(self._death()) from error

    def spawn(self, command: str | Sequence[str], env: Mapping[str, str] | None = None,
              cwd: str = "/root",
              on_output: Callable[[int, bytes], None] | None = None) -> Process:
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        text = command if isinstance(command, str) else shlex.join(command)
        with self._changed:
            self._channel += 1
            process = Process(self, self._channel, text, on_output)
            self._by_channel[self._channel] = process
            self.processes.append(process)
        request = {"argv": argv, "env": dict(env or {}), "cwd": cwd}
        self.send(agent.EXEC, process._channel, json.dumps(request).encode())
        if not self.wait(lambda: process.pid != 0 or process._failure is not None, 60):
            raise RigError(f"{text}: the guest does not answer")
        if process._failure is not None:
            self.processes.remove(process)
            raise RigError(f"{text}: cannot be started: {process._failure}")
        return process

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> None:
        received = bytearray()
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                break
            received += data
            while len(received) >= agent.HEADER.size:
                length, kind, channel = agent.HEADER.unpack_from(received)
                end = agent.HEADER.size + length
                if len(received) < end:
                    break
                payload = bytes(received[agent.HEADER.size:end])
                del received[:end]
                with self._changed:
                    if kind == agent.HELLO:
                        self.hello = json.loads(payload)
                    elif channel in self._by_channel:
                        self._by_channel[channel]._receive(kind, payload)
                    self._changed.notify_all()
        with self._changed:
            self.alive = False
            self._changed.notify_all()
