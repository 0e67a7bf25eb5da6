"""The server that is killed again and again, over one data directory."""

import os
import pathlib
import secrets
import signal
import socket
import subprocess
import time


START_TIMEOUT_S = 30.0
ROOT = pathlib.Path(__file__).resolve().parents[2]


def find_binary():
    """$BERINGIA_BINARY, else the release build, else the developers'."""
    named = os.environ.get("BERINGIA_BINARY")
    for candidate in [named] if named else ["build/release/beringia", "build/dev/beringia"]:
        path = (ROOT / candidate).resolve()
        if path.is_file():
            return path
    raise RuntimeError("there is no beringia binary: build it or set BERINGIA_BINARY")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Victim:
    """extra: further flags of `serve`."""

    def __init__(self, directory, data=None, objects=None, extra=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data = pathlib.Path(data or self.directory / "data")
        self.objects = pathlib.Path(objects or self.directory / "objects")
        self.objects.mkdir(parents=True, exist_ok=True)
        self.extra = list(extra)
        self.wrapper = []  # a program that starts the server in its place
        self.s3_port, self.gcs_port, self.admin_port = free_port(), free_port(), free_port()
        self.access_key = "BR" + secrets.token_hex(9).upper()
        self.secret_key = secrets.token_hex(20)
        self.log = self.directory / "server.log"
        self.process = None
        self.start_s = 0.0  # of the last start, to the first answer

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("AWS_", "GOOGLE_"))}
        return kept | {"BERINGIA_ROOT_ACCESS_KEY": self.access_key,
                       "BERINGIA_ROOT_SECRET_KEY": self.secret_key,
                       "BERINGIA_ADMIN": f"http://127.0.0.1:{self.admin_port}"}

    def command(self):
        return [str(find_binary()), "serve", "--data", str(self.data),
                "--mount", f"/=file://{self.objects}",
                "--s3", f"127.0.0.1:{self.s3_port}", "--gcs", f"127.0.0.1:{self.gcs_port}",
                "--admin", f"127.0.0.1:{self.admin_port}", *self.extra]

    def launch(self, crash_at=None):
        environment = self.environment
        if crash_at:
            environment["BERINGIA_CRASH_AT"] = crash_at
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.wrapper + self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=environment, cwd=self.directory)

    def start(self, crash_at=None):
        """@return False: it died before it answered (only with crash_at)"""
        self.launch(crash_at)
        return self.wait_until_it_answers(may_die=crash_at is not None)

    def wait_until_it_answers(self, may_die=False):
        begun = time.monotonic()
        while not all(_answers(port) for port in (self.s3_port, self.gcs_port, self.admin_port)):
            if self.process.poll() is not None:
                if may_die and self.process.returncode == -signal.SIGKILL:
                    return False
                raise RuntimeError(f"beringia ended with {self.process.returncode}:\n"
                                   + self.log_tail())
            if time.monotonic() - begun > START_TIMEOUT_S:
                raise RuntimeError("beringia does not answer:\n" + self.log_tail())
            time.sleep(0.002)
        self.start_s = time.monotonic() - begun
        return True

    def memory_mb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the server is gone")

    def open_descriptors(self):
        return os.listdir(f"/proc/{self.process.pid}/fd")

    def cpu_s(self):
        """User and system time so far."""
        words = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def is_dead_soon(self):
        """Its connections break a moment before it can be waited for."""
        try:
            self.process.wait(2)
            return True
        except subprocess.TimeoutExpired:
            return False

    def kill(self):
        """kill -9. @return True if it was still running"""
        was_running = self.process.poll() is None
        self.process.kill()
        self.process.wait()
        return was_running

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return "did not end after SIGTERM"

    def run(self, *arguments, timeout=120, check=True):
        done = subprocess.run([str(find_binary()), *arguments], env=self.environment, cwd=self.directory,
                              capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"beringia {' '.join(map(str, arguments))}: {done.returncode}\n"
                               f"{done.stderr}{done.stdout}")
        return done

    def log_tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False
