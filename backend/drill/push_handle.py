"""Starting a push service and talking with it, for rehearsals, benchmarks and tests."""

import asyncio
import itertools
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from backend.drill.push_control import (
    Answer,
    Asked,
    AwaitReached,
    ClearFaults,
    Command,
    Counts,
    GetCounts,
    Ready,
    SetFault,
    StartOver,
    Subscribe,
)
from backend.drill.push_faults import Fault

_LONGEST_LINE = 1 << 22
_SUBSCRIBED_AT_ONCE = 10_000
_PATIENCE_SECONDS = 20.0


class PushServiceError(Exception):
    """The push service did not start, or ended early. The message holds what it printed."""


class PushServiceProcess:
    """A running push service. Use `start` and close it, or use it as an async context manager."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        commands: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        ready: Ready,
    ) -> None:
        self.origin = ready.origin
        self.authority = Path(ready.authority)
        self.subscribed = 0
        """How many phones have an endpoint; the next one gets this number."""
        self._process = process
        self._commands = commands
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._reader = asyncio.create_task(self._read(answers))

    @classmethod
    async def start(
        cls,
        folder: Path,
        *,
        host: str = "localhost",
        address: str | None = None,
        port: int = 0,
        certificates: Path | None = None,
        sink: bool = False,
    ) -> Self:
        """Start one that spools into `folder`; port 0 takes a free one.

        Raises:
            PushServiceError: it did not come up, for example because the port is taken.
        """
        options = ["--folder", str(folder), "--host", host, "--port", str(port)]
        options += ["--certificates", str(certificates)] if certificates else []
        options += ["--address", address] if address else []
        options += ["--sink"] if sink else []
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "backend.drill.push_service",
            *options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
        )
        commands, answers = process.stdin, process.stdout
        if commands is None or answers is None:
            raise PushServiceError("Its pipes could not be opened.")
        line = await answers.readline()
        if not line:
            complaint = (await process.communicate())[1].decode(errors="replace").strip()
            raise PushServiceError(complaint.rsplit("\n", 1)[-1] or "It ended without a word.")
        return cls(process, commands, answers, msgspec.json.decode(line, type=Ready))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def process_id(self) -> int:
        """The id of the push service's process."""
        return self._process.pid

    async def subscribe(self, count: int) -> list[str]:
        """Endpoint URLs for `count` more phones, which are numbered from nought in this order."""
        endpoints: list[str] = []
        while (missing := count - len(endpoints)) > 0:
            answer = await self._ask(Subscribe(min(missing, _SUBSCRIBED_AT_ONCE)))
            endpoints += answer.endpoints or []
        self.subscribed += count
        return endpoints

    async def fail(self, fault: Fault, phones: list[int] | None = None) -> None:
        """Let `fault` strike these phones, or all of them."""
        await self._ask(SetFault(fault, phones))

    async def heal(self, phones: list[int] | None = None) -> None:
        """End the faults of these phones, or all faults; phones come online again."""
        await self._ask(ClearFaults(phones))

    async def start_over(self) -> None:
        """Count from nought, into a new spool."""
        await self._ask(StartOver())

    async def counts(self) -> Counts:
        """What it has seen; the spool named there holds every message counted."""
        return (await self._ask(GetCounts())).counts

    async def reached(self, phones: int, timeout: float | None = None) -> Counts:  # noqa: ASYNC109
        """Wait until so many phones were reached.

        Raises:
            TimeoutError: it took longer than `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            return (await self._ask(AwaitReached(phones))).counts

    async def close(self) -> None:
        """End the process; spools and certificates stay."""
        self._commands.close()
        try:
            await asyncio.wait_for(self._process.wait(), _PATIENCE_SECONDS)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._reader

    async def _ask(self, command: Command) -> Answer:
        if self._reader.done():
            raise PushServiceError("The push service has ended.")
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        self._answers[number] = future
        self._commands.write(msgspec.json.encode(Asked(number, command)) + b"\n")
        try:
            return await future
        finally:
            del self._answers[number]

    async def _read(self, answers: asyncio.StreamReader) -> None:
        while line := await answers.readline():
            answer = msgspec.json.decode(line, type=Answer)
            future = self._answers.get(answer.number)
            if future is not None and not future.done():
                future.set_result(answer)
        for future in self._answers.values():
            if not future.done():
                future.set_exception(PushServiceError("The push service has ended."))
