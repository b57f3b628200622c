"""Runs hmserve in forked children, which start at once because everything is loaded already.

A child can be told to die: before its k-th call of the operating system that changes a file or
speaks to the peer, or in the middle of that call if it is a write. Dying is SIGKILL. "Power"
also takes from every file what was not flushed to the disk, as a loss of power may do.

Flushing is only pretended: for what a signal can do it makes no difference but in time.

Orders come as JSON on a Unix socket, with the standard streams of the child attached; the
answers are its process id, and how it ended.
"""

import importlib
import io
import json
import os
import runpy
import signal
import socket
import sys
import traceback

HEAVY = [
    "hmserve.api",
    "hmserve.cli",
    "hmserve.engine.bayesian",
    "hmserve.engine.goals",
    "hmserve.engine.threads",
    "hmserve.report.lookback",
    "hmserve.surrogate.forest",
    "hmserve.transports.stdio",
]
CALLS = ["close", "fsync", "ftruncate", "mkdir", "open", "rename", "replace", "unlink"]


class Death:
    """Counts the points at which the process can die, and dies at one of them."""

    def __init__(self, at, power):
        self.left = at
        self.power = power
        self.flushed = {}

    def point(self):
        self.left -= 1
        return self.left == 0

    def die(self):
        if self.power:
            for descriptor, size in self.flushed.items():
                os_ftruncate(descriptor, size)
        os.kill(os.getpid(), signal.SIGKILL)

    def before(self, call, name):
        def counted(*arguments, **options):
            if self.point():
                self.die()
            result = call(*arguments, **options)
            self.note(name, arguments, result)
            return result

        return counted

    def note(self, name, arguments, result):
        """Keep track of what a loss of power would leave."""
        if name == "fsync" and arguments[0] in self.flushed:
            self.flushed[arguments[0]] = os.fstat(arguments[0]).st_size
        elif name == "open" and arguments[1] & os.O_ACCMODE != os.O_RDONLY:
            self.flushed[result] = os.fstat(result).st_size
        elif name == "close":
            self.flushed.pop(arguments[0], None)

    def in_halves(self, write):
        """Two points: before the write, and after a half of it."""

        def counted(target, data):
            if self.point():
                self.die()
            if self.point():
                write(target, bytes(data)[: len(data) // 2])
                self.die()
            return write(target, data)

        return counted

    def lie_in_wait(self):
        for name in CALLS:
            setattr(os, name, self.before(getattr(os, name), name))
        os.write = self.in_halves(os.write)
        wire = self.in_halves(io.FileIO.write)
        io.FileIO = type("FileIO", (io.FileIO,), {"write": wire})


os_ftruncate = os.ftruncate


def child(order, streams):
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(order["directory"])
    status = 1
    try:
        os.fsync = os.fstat
        if order["at"] is not None:
            Death(order["at"], order["power"]).lie_in_wait()
        if order["script"]:
            sys.argv = order["arguments"]
            runpy.run_path(order["script"], run_name="__main__")
            status = 0
        else:
            from hmserve.cli import main

            status = main(order["arguments"])
    except BaseException:  # noqa: BLE001 - the loop of the server must not go on in a child
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main(descriptor):
    for name in HEAVY:
        importlib.import_module(name)
    connection = socket.socket(fileno=descriptor)
    while True:
        message, streams, _, _ = socket.recv_fds(connection, 2**16, 3)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            connection.close()
            child(json.loads(message), streams)
        for stream in streams:
            os.close(stream)
        connection.sendall(f"{pid}\n".encode())
        _, ended = os.waitpid(pid, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(ended)}\n".encode())


main(int(sys.argv[1]))
