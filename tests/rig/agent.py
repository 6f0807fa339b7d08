"""The guest agent: runs commands for the host, over a virtio-serial port.

It is the guest's first process. Frames go both ways over the port, each a header (payload length,
kind, channel) and a payload. A channel is one command, and its number is the host's choice.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import struct
import sys

HEADER = struct.Struct("!IBI")
STATUS = struct.Struct("!i")
PORT_NAME = "sluice.rig"

# host ▸ guest
EXEC = 1        # JSON: argv, env (added to the agent's own), cwd
STDIN = 2       # bytes
STDIN_END = 3
SIGNAL = 4      # STATUS: a signal for the command's process group
# guest ▸ host
HELLO = 16      # JSON: what the guest is made of
STARTED = 17    # STATUS: process id
FAILED = 18     # JSON: errno, message; the command could not be started
STDOUT = 19     # bytes
STDERR = 20     # bytes
EXIT = 21       # STATUS: exit status, or the negative number of the signal it died of

CHUNK = 32768

# Below: only in the guest.


class Command:
    """A running command and its pipes, which may outlive it in what it left behind."""

    def __init__(self, channel: int, pid: int, stdin: int, stdout: int, stderr: int) -> None:
        self.channel = channel
        self.pid = pid
        self.stdin: int | None = stdin
        self.outputs = {stdout: STDOUT, stderr: STDERR}
        self.pending = bytearray()
        self.stdin_ended = False
        os.set_blocking(stdin, False)
        for fd in self.outputs:
            os.set_blocking(fd, False)


class Agent:
    def __init__(self, port: int) -> None:
        self.port = port
        self.received = bytearray()
        self.poll = select.poll()
        self.poll.register(port, select.POLLIN)
        self.by_pid: dict[int, Command] = {}
        self.by_channel: dict[int, Command] = {}
        self.readers: dict[int, Command] = {}
        self.writers: dict[int, Command] = {}
        self.children, wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup)
        self.poll.register(self.children, select.POLLIN)

    def send(self, kind: int, channel: int, payload: bytes) -> None:
        frame = HEADER.pack(len(payload), kind, channel) + payload
        while frame:
            frame = frame[os.write(self.port, frame):]

    def serve(self) -> None:
        self.send(HELLO, 0, json.dumps(describe()).encode())
        while True:
            for fd, _ in self.poll.poll():
                if fd == self.port:
                    self.receive()
                elif fd == self.children:
                    os.read(self.children, 512)
                    self.reap()
                elif fd in self.readers:
                    self.forward(fd, self.readers[fd])
                elif fd in self.writers:
                    self.feed(self.writers[fd])

    def receive(self) -> None:
        self.received += os.read(self.port, CHUNK)
        while len(self.received) >= HEADER.size:
            length, kind, channel = HEADER.unpack_from(self.received)
            end = HEADER.size + length
            if len(self.received) < end:
                return
            payload = bytes(self.received[HEADER.size:end])
            del self.received[:end]
            if kind == EXEC:
                self.execute(channel, **json.loads(payload))
            elif channel in self.by_channel:
                self.control(self.by_channel[channel], kind, payload)

    def control(self, command: Command, kind: int, payload: bytes) -> None:
        if kind == SIGNAL:
            try:
                os.killpg(command.pid, STATUS.unpack(payload)[0])
            except ProcessLookupError:
                pass
        elif command.stdin is not None:
            command.pending += payload
            command.stdin_ended |= kind == STDIN_END
            self.feed(command)

    def execute(self, channel: int, argv: list[str], env: dict[str, str], cwd: str) -> None:
        stdin, stdout, stderr = (os.pipe2(os.O_CLOEXEC) for _ in range(3))
        # Its end without a word means that the command runs.
        failure, report = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            try:
                signal.set_wakeup_fd(-1)
                for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE):
                    signal.signal(number, signal.SIG_DFL)
                os.setsid()
                os.dup2(stdin[0], 0)
                os.dup2(stdout[1], 1)
                os.dup2(stderr[1], 2)
                os.chdir(cwd)
                os.environ.update(env)
                os.execvp(argv[0], argv)
            except OSError as error:
                os.write(report, json.dumps([error.errno, error.strerror]).encode())
            finally:
                os._exit(127)
        for fd in (stdin[0], stdout[1], stderr[1], report):
            os.close(fd)
        failed = os.read(failure, CHUNK)
        os.close(failure)
        if failed:
            for fd in (stdin[1], stdout[0], stderr[0]):
                os.close(fd)
            self.send(FAILED, channel, failed)
            return
        command = Command(channel, pid, stdin[1], stdout[0], stderr[0])
        self.by_pid[pid] = self.by_channel[channel] = command
        for fd in command.outputs:
            self.readers[fd] = command
            self.poll.register(fd, select.POLLIN)
        self.send(STARTED, channel, STATUS.pack(pid))

    def forward(self, fd: int, command: Command) -> bool:
        """Sends what the command wrote; False if there was nothing."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return False
        if data:
            self.send(command.outputs[fd], command.channel, data)
            return True
        self.poll.unregister(fd)
        del self.readers[fd], command.outputs[fd]
        os.close(fd)
        return False

    def feed(self, command: Command) -> None:
        """Writes to the command's standard input as much as it takes."""
        fd = command.stdin
        if fd is None:
            return
        try:
            while command.pending:
                del command.pending[:os.write(fd, command.pending)]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            command.pending.clear()
            command.stdin_ended = True
        if command.pending and fd not in self.writers:
            self.writers[fd] = command
            self.poll.register(fd, select.POLLOUT)
        elif not command.pending:
            if fd in self.writers:
                del self.writers[fd]
                self.poll.unregister(fd)
            if command.stdin_ended:
                os.close(fd)
                command.stdin = None

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            command = self.by_pid.pop(pid, None)
            if command is None:
                continue
            for fd in list(command.outputs):
                while self.forward(fd, command):
                    pass
            command.pending.clear()
            command.stdin_ended = True
            self.feed(command)
            del self.by_channel[command.channel]
            self.send(EXIT, command.channel, STATUS.pack(os.waitstatus_to_exitcode(status)))


def read_text(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def link_name(path: str) -> str:
    """The last part of where a symbolic link points; "" without one."""
    try:
        return os.path.basename(os.readlink(path))
    except FileNotFoundError:
        return ""


def describe() -> dict:
    """The PCI devices that matter: exporters and the importer."""
    devices = {}
    base = "/sys/bus/pci/devices"
    for bdf in sorted(os.listdir(base)):
        path = f"{base}/{bdf}"
        vendor, device = (int(read_text(f"{path}/{name}"), 16) for name in ("vendor", "device"))
        if (vendor, device) in ((0x1af4, 0x1110), (0x1af4, 0x1050)):
            devices[bdf] = {
                "id": f"{vendor:04x}:{device:04x}",
                "driver": link_name(f"{path}/driver"),
                "group": link_name(f"{path}/iommu_group"),
            }
    return {"pci": devices, "kernel": os.uname().release}


def open_port() -> int:
    ports = "/sys/class/virtio-ports"
    for name in os.listdir(ports):
        if read_text(f"{ports}/{name}/name") == PORT_NAME:
            return os.open(f"/dev/{name}", os.O_RDWR | os.O_CLOEXEC)
    raise OSError(errno.ENODEV, f"no virtio port named {PORT_NAME}")


def main() -> None:
    console = os.open("/dev/console", os.O_RDWR | os.O_NOCTTY)
    for fd in range(3):
        os.dup2(console, fd)
    # The command's own terminals are its business; ours is the console's log.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    port = open_port()
    # What the first command looks for has to be there, with its properties.
    os.spawnlp(os.P_WAIT, "udevadm", "udevadm", "settle", "--timeout=30")
    Agent(port).serve()


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
