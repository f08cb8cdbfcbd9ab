"""The same command in a copy of this process, which has imported everything: a start takes a tenth of the time.

What runs is the command line's own entry point, in processes of its own that signals reach as any other's. Several are
started by a few lines in place of torchrun's launcher, which do what it does: who fails ends the others.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from kill_command import ENDED, Command
from process_command import ARGUMENTS

from embtune.cli import app
from embtune.cli.process_ends import Ended, exit_code_of

_IMPORTED = ("embtune.pipeline.train_job", "transformers.models.bert.modeling_bert", "peft")


def import_all() -> None:
    """What the command imports, before the first copy is made."""
    for module in _IMPORTED:
        import_module(module)
    gc.freeze()


class Forked(Command):
    """A copy of this process that is the command."""

    _code: int | None

    def __init__(self, config: Path, nproc: int, environ: Mapping[str, str]) -> None:
        self.nproc, self._code = nproc, None
        words = ["train", str(config), *ARGUMENTS]
        self._stdout, stdout = os.pipe()
        self._stderr, stderr = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            os.dup2(stdout, sys.stdout.fileno())
            os.dup2(stderr, sys.stderr.fileno())
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            _ended_with(lambda: _run(words, environ) if nproc == 1 else _launch(words, nproc, environ))
        os.close(stdout)
        os.close(stderr)

    def is_running(self) -> bool:
        """By the system, which tells an exit code once."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code is None

    def rank(self, number: int) -> int:
        """They were started in the order of their ranks."""
        if self.nproc == 1:
            return self.pid
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sorted(map(int, children))[number]

    def ended(self, seconds: float = ENDED) -> tuple[int | None, str, str]:
        """Read to the end; whatever is there after so many seconds is killed."""
        read: dict[int, bytes] = {self._stdout: b"", self._stderr: b""}
        in_time = _read_to_the_end(read, seconds)
        if not in_time:
            self.everywhere(signal.SIGKILL)
            _read_to_the_end(read, seconds)
        while self.is_running():
            time.sleep(0.01)
        for pipe in read:
            os.close(pipe)
        return self._code if in_time else None, read[self._stdout].decode(), read[self._stderr].decode()


def _read_to_the_end(read: dict[int, bytes], seconds: float) -> bool:
    """Read pipes until nobody holds them open. False: it takes longer."""
    limit, still = time.monotonic() + seconds, list(read)
    while still:
        ready, _, _ = select.select(still, [], [], max(0.0, limit - time.monotonic()))
        if not ready:
            return False
        for pipe in ready:
            part = os.read(pipe, 1 << 16)
            read[pipe] += part
            if not part:
                still.remove(pipe)
    return True


def _ended_with(act: Callable[[], int]) -> NoReturn:
    """End this process with the exit code, and without what its parent would do on its way out."""
    code = 1
    try:
        code = act()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run(words: list[str], environ: Mapping[str, str]) -> int:
    """The command line, in this process."""
    os.environ.update(environ)
    sys.argv = ["embtune", *words]
    try:
        app.main()
    except SystemExit as done:
        return int(str(done.code or 0))
    return 0


def _launch(words: list[str], nproc: int, environ: Mapping[str, str]) -> int:
    """The command line in several processes, as torchrun starts them on one machine."""
    names = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(_free_port()), "EMBTUNE_LAUNCHER": str(os.getpid())}
    sizes = {"WORLD_SIZE": str(nproc), "LOCAL_WORLD_SIZE": str(nproc)}
    ranks: dict[int, int] = {}
    for rank in range(nproc):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        pid = os.fork()
        if pid == 0:
            _ended_with(lambda own=own: _run(words, {**environ, **names, **sizes, **own}))  # type: ignore[misc]
        ranks[pid] = rank
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda number, frame: _tell(ranks, number))
    return _outlived(ranks)


def _outlived(ranks: dict[int, int]) -> int:
    """Wait for all, and end the others when one fails; the exit code that stands for them. ranks: by process id."""
    ended: dict[int, Ended] = {}
    while ranks:
        pid, status = os.wait()
        rank, code = ranks.pop(pid), os.waitstatus_to_exitcode(status)
        if code:
            ended[rank] = Ended(code)
            _tell(ranks, signal.SIGTERM)
    return exit_code_of(ended) if ended else 0


def _tell(ranks: Mapping[int, int], signum: int) -> None:
    for pid in ranks:
        with suppress(ProcessLookupError):
            os.kill(pid, signum)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port: int = found.getsockname()[1]
        return port
