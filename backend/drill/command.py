"""The command `exit10 drill`: reads its options, rehearses, reports, cleans up."""

import argparse
import asyncio
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console

from backend.core.clock import system_clock
from backend.drill.api_client import Api, ApiError, ApiUnreachableError
from backend.drill.certificates import ensure_certificates
from backend.drill.push_handle import PushServiceError, PushServiceProcess
from backend.drill.rehearsal import Plan, Rehearsal, RehearsalError, Rehearsed
from backend.drill.report import ProgressBars, print_report
from backend.drill.scenario import GANGNAM_FRIDAY, SCENARIOS
from backend.drill.system import SystemUnusableError, ThrowawaySystem
from backend.drill.verification import process_pool

DEFAULT_PUSH_BIND = "localhost:9443"
DEFAULT_CERTIFICATES = Path("~/.exit10-rehearsal")

_WRONG, _UNABLE = 1, 2

_EPILOG = """\
By default the rehearsal makes a whole system of its own (database, API, workers) in a temporary
folder, and removes it afterwards; nothing that runs is touched.

To rehearse on a system that runs, the system has to be told to trust the rehearsal's push service,
whose address and certificate authority stay the same from one rehearsal to the next:

  1. exit10 drill --against https://rally.example
     prints the two settings, EXIT10_REHEARSAL_PUSH_ORIGIN and EXIT10_REHEARSAL_PUSH_CA;
  2. start the system again with them;
  3. exit10 invite, twice
     prints an invite for an administrator each time: one composes and one approves;
  4. exit10 drill --against https://rally.example --invite TOKEN --invite TOKEN --phones 1000
  5. start the system again without the two settings.

Phones of attendees are not reached: the rehearsal schedules a gathering of its own, which says that
it is a rehearsal. Afterwards its phones unsubscribe and its gathering is ended.

The exit code is 0 when every phone was reached and nothing was wrong, 1 when something was wrong,
2 when it could not be rehearsed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `exit10 drill`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Rehearse a rally: organisers schedule a gathering, simulated phones subscribe, an alert\n"
        "in Korean and English is approved and pushed, and every phone verifies, decrypts and\n"
        "reports what it would show."
    )
    parser.epilog = _EPILOG
    names = ", ".join(f"{each.name} ({each.about})" for each in SCENARIOS.values())
    parser.add_argument(
        "--scenario",
        choices=SCENARIOS,
        default=GANGNAM_FRIDAY.name,
        metavar="NAME",
        help=f"what to rehearse: {names}; default: %(default)s",
    )
    parser.add_argument(
        "--phones", type=_positive, metavar="N", help="phones in the crowd; default: 22000"
    )
    parser.add_argument(
        "--scale",
        type=_positive,
        default=1,
        metavar="N",
        help="make the crowd N times as large; 10 is a soak of 220,000 phones",
    )
    parser.add_argument(
        "--workers",
        type=_positive,
        default=1,
        metavar="N",
        help="workers of the throw-away system; default: 1",
    )
    parser.add_argument(
        "--kill-worker",
        action="store_true",
        help="kill -9 a worker when a third of the phones are reached, and start another",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the figures as one object in the last line"
    )
    parser.add_argument(
        "--patience",
        type=_positive,
        default=90,
        metavar="SECONDS",
        help="give up after so long without a phone being reached; default: %(default)s",
    )
    running = parser.add_argument_group("on a system that runs")
    running.add_argument("--against", metavar="URL", help="its origin")
    running.add_argument(
        "--invite",
        metavar="TOKEN",
        action="append",
        help="an invite for an administrator, or its link; twice, unless nobody is in yet",
    )
    running.add_argument(
        "--push-bind",
        type=_address,
        default=DEFAULT_PUSH_BIND,
        metavar="HOST:PORT",
        help="where the rehearsal's push service listens; default: %(default)s",
    )
    running.add_argument(
        "--push-cert-dir",
        type=Path,
        default=DEFAULT_CERTIFICATES,
        metavar="FOLDER",
        help="where its certificates are kept; default: %(default)s",
    )


def run(options: argparse.Namespace) -> int:
    """Rehearse; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(number, signal.default_int_handler)
    errors = Console(stderr=True)
    try:
        rehearsed = _against(options) if options.against else _throwaway(options)
    except (
        ApiError,
        ApiUnreachableError,
        PushServiceError,
        RehearsalError,
        SystemUnusableError,
    ) as error:
        errors.print(str(error), style="red", highlight=False, soft_wrap=True)
        return _UNABLE
    print_report(rehearsed, Console())
    if options.json:
        sys.stdout.write(msgspec.json.encode(rehearsed.outcome).decode() + "\n")
    return _WRONG if rehearsed.outcome.complaints() else 0


def _throwaway(options: argparse.Namespace) -> Rehearsed:
    """Rehearse on a system of our own."""
    with ExitStack() as stack:
        bars = stack.enter_context(ProgressBars())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exit10-drill-")))
        bars.stage("A throw-away system starts")
        system = stack.enter_context(ThrowawaySystem.running())

        async def rehearse() -> Rehearsed:
            async with (
                await PushServiceProcess.start(folder) as push,
                Api(system.origin) as api,
            ):
                await system.open(api, push.origin, push.authority, options.workers)
                rehearsal = _rehearsal(options, api, push, system, folder, bars, stack)
                return await rehearsal.run(await asyncio.to_thread(system.invite))

        return uvloop.run(rehearse())


def _against(options: argparse.Namespace) -> Rehearsed:
    """Rehearse on a system that runs and trusts our push service."""
    if options.kill_worker:
        raise RehearsalError("--kill-worker needs a throw-away system; leave --against out.")
    certificates: Path = options.push_cert_dir.expanduser().absolute()
    host, port = options.push_bind
    if not options.invite:
        authority, _ = ensure_certificates(certificates, host, system_clock())
        raise RehearsalError(
            "Start the system with these two settings, make two invites with `exit10 invite`, "
            "and come back with --invite for each:\n"
            f"  EXIT10_REHEARSAL_PUSH_ORIGIN=https://{host}:{port}\n"
            f"  EXIT10_REHEARSAL_PUSH_CA={authority}"
        )
    with ExitStack() as stack:
        bars = stack.enter_context(ProgressBars())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exit10-drill-")))

        async def rehearse() -> Rehearsed:
            async with (
                await PushServiceProcess.start(
                    folder, host=host, port=port, certificates=certificates
                ) as push,
                Api(options.against) as api,
            ):
                rehearsal = _rehearsal(options, api, push, None, folder, bars, stack)
                tokens = [invite.rpartition("=")[2] for invite in options.invite]
                return await rehearsal.run(*tokens[:2])

        return uvloop.run(rehearse())


def _rehearsal(
    options: argparse.Namespace,
    api: Api,
    push: PushServiceProcess,
    system: ThrowawaySystem | None,
    folder: Path,
    bars: ProgressBars,
    stack: ExitStack,
) -> Rehearsal:
    scenario = SCENARIOS[options.scenario]
    plan = Plan(
        scenario=scenario,
        phones=(options.phones or scenario.phones) * options.scale,
        workers=options.workers,
        kill_worker=options.kill_worker,
        leave_no_trace=system is None,
        patience=options.patience,
    )
    return Rehearsal(
        plan,
        api=api,
        push=push,
        workers=system,
        pool=stack.enter_context(process_pool()),
        folder=folder,
        clock=system_clock,
        watcher=bars,
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError("an address looks like localhost:9443")
    return host.strip("[]"), int(port)
