import os
import pathlib
import subprocess
import sys

import pytest

import hmserve.transports.stdio

ROOT = pathlib.Path(hmserve.transports.stdio.__file__).parents[2]
CLAIM = "from hmserve.transports.stdio import claim_stdout; reader, writer = claim_stdout()\n"


# Unbuffered, what is printed before the claim would be on the wire already.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
ENVIRONMENT |= {"PYTHONPATH": str(ROOT), "PYTHON": sys.executable}


def run(program, text=b""):
    """Run `program` as a child; return what it did with its streams."""
    return subprocess.run(
        [sys.executable, "-c", program],
        input=text,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
    )


def shell(program, redirection):
    """Run `program` with its streams changed by a shell."""
    return subprocess.run(
        ["sh", "-c", f'exec "$PYTHON" -c "$PROGRAM" {redirection}'],
        capture_output=True,
        env={**ENVIRONMENT, "PROGRAM": program},
        timeout=60,
        check=False,
    )


def test_only_the_writer_reaches_the_wire() -> None:
    done = run(
        "import os, subprocess, sys\n"
        "print('before')\n"
        "early = sys.stdout\n"
        f"{CLAIM}"
        "print('print')\n"
        "early.write('early'); early.flush()\n"
        "sys.__stdout__.write('original'); sys.__stdout__.flush()\n"
        "os.write(1, b'descriptor')\n"
        "subprocess.run(['echo', 'grandchild'], check=True)\n"
        "writer.write(b'Request 1\\n')\n"
    )
    assert (done.returncode, done.stdout) == (0, b"Request 1\n")
    for word in (b"before", b"print", b"early", b"original", b"descriptor", b"grandchild"):
        assert word in done.stderr


def test_printed_text_keeps_its_order_among_the_errors() -> None:
    done = run(
        f"import sys\n{CLAIM}print('a'); print('b', file=sys.stderr); print('c'); sys.exit('d')"
    )
    assert done.stderr.split() == [b"a", b"b", b"c", b"d"]


def test_nobody_but_the_reader_reads_the_wire() -> None:
    done = run(
        f"import subprocess, sys\n{CLAIM}"
        "assert sys.stdin.read() == ''\n"
        "assert subprocess.run(['cat'], capture_output=True).stdout == b''\n"
        "writer.write(reader.read(100))\n",
        text=b"x,f\n1,2\n",
    )
    assert (done.returncode, done.stdout) == (0, b"x,f\n1,2\n")


def test_children_do_not_keep_the_wire_open() -> None:
    parent_reads, child_writes = os.pipe()
    with open(parent_reads, "rb") as wire:
        child = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import subprocess\n{CLAIM}"
                "p = subprocess.Popen(['sleep', '60'], close_fds=False)\n"
                "import sys; print(p.pid, file=sys.stderr); writer.write(b'bye')",
            ],
            stdout=child_writes,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )
        os.close(child_writes)
        assert child.stderr is not None
        sleeper = int(child.stderr.readline())
        try:
            # Returns although the grandchild lives.
            assert wire.read() == b"bye"
        finally:
            os.kill(sleeper, 9)
            child.wait()
            child.stderr.close()


def test_a_closed_input_is_at_its_end() -> None:
    done = shell(f"{CLAIM}writer.write(repr(reader.read(10)).encode())", "<&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"b''", b"")


def test_a_closed_output_is_a_broken_pipe() -> None:
    program = (
        f"{CLAIM}print('aside')\n"
        "try: writer.write(b'x')\n"
        "except BrokenPipeError: print('broken')\n"
    )
    done = shell(program, ">&-")
    assert (done.returncode, done.stderr) == (0, b"aside\nbroken\n")


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-"])
def test_a_closed_error_stream_swallows_what_is_printed(closed) -> None:
    program = f"import os\n{CLAIM}print('aside'); os.write(1, b'aside'); writer.write(b'wire')"
    done = shell(program, closed)
    assert (done.returncode, done.stdout) == (0, b"wire")


def test_no_file_gets_the_number_of_a_closed_stream() -> None:
    program = (
        f"import os, sys\n{CLAIM}"
        "fd = os.open(os.devnull, os.O_RDONLY)\n"
        "sys.exit(0 if min(fd, reader.fileno(), writer.fileno()) > 2 else 9)"
    )
    assert shell(program, "<&- >&- 2>&-").returncode == 0


def test_pipes_that_do_not_block_are_made_to() -> None:
    source, sink = os.pipe()
    os.set_blocking(source, False)
    with open(sink, "wb", buffering=0) as peer:
        child = subprocess.Popen(
            [sys.executable, "-c", f"{CLAIM}writer.write(b'?'); writer.write(reader.read(10))"],
            stdin=source,
            stdout=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        os.close(source)
        assert child.stdout is not None
        with child.stdout as wire:
            assert wire.read(1) == b"?"
            peer.write(b"later")
            assert wire.read() == b"later"
        assert child.wait() == 0
