"""The servers that are measured: Beringia, nginx (the limit of plain files), versitygw and MinIO."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEERS = ROOT / "build" / "peers"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools" / "gcs_emulator")]

import gcs_emulator  # noqa: E402
from traffic.s3 import S3  # noqa: E402
from traffic.victim import Victim, free_port  # noqa: E402

VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
MINIO = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
START_TIMEOUT_S = 60


def find_peer(name, module, install=True):
    """Path of a Go program, installed once into build/peers; None if it cannot be had."""
    program = PEERS / "bin" / name
    if not program.exists() and install and (go := gcs_emulator._find_go()):
        print(f"installing {name} (once; some minutes) ...", file=sys.stderr)
        environment = dict(os.environ, GOBIN=str(program.parent), GOFLAGS="-buildvcs=false",
                           CGO_ENABLED="0")
        subprocess.run([go, "install", module], env=environment, check=False)
    return program if program.exists() else None


class Server:
    """A program with a directory of its own. Subclasses say the command and where objects go."""

    name = ""
    signed = True
    fills_before_start = False
    takes_files_later = True

    def __init__(self, directory):
        self.directory = pathlib.Path(directory) / self.name
        self.directory.mkdir(parents=True)
        self.port = free_port()
        self.access_key, self.secret_key = "BENCHBENCHBENCHBENCH", "benchsecret" * 4
        self.process = None
        self.start_s = 0.0
        self.idle_mb = self.peak_mb = 0.0

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def start(self):
        begun = time.monotonic()
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=self.directory, env=self.environment(),
                                            start_new_session=True)
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() - begun > START_TIMEOUT_S:
                raise RuntimeError(f"{self.name} does not start: {self.directory / 'log'}")
            time.sleep(0.002)
        self.start_s = time.monotonic() - begun

    def _answers(self):
        client = self.client(timeout_s=5)
        try:
            return client.call("GET").status < 500
        except OSError:
            return False
        finally:
            client.close()

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def client(self, timeout_s=60.0):
        return S3(self.port, self.access_key, self.secret_key, timeout_s)

    def processes(self):
        """Its own and its children's numbers."""
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    text = pathlib.Path(f"/proc/{entry}/stat").read_text()
                except OSError:
                    continue
                parents[int(entry)] = int(text.rpartition(")")[2].split()[1])
        return [pid for pid, parent in parents.items()
                if self.process.pid in (pid, parent)]

    def cpu_s(self):
        total = 0
        for pid in self.processes():
            # Nanoseconds on the processor of all threads; /proc/PID/stat counts only ticks.
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                try:
                    total += int((task / "schedstat").read_text().split()[0])
                except OSError:
                    continue
        return total / 1e9

    def memory_mb(self):
        total = 0
        for pid in self.processes():
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS"):
                    total += int(line.split()[1])
        return total / 1024

    def log_tail(self):
        return "\n".join((self.directory / "log").read_text(errors="replace").splitlines()[-20:])


class Beringia(Server):
    name = "beringia"

    def __init__(self, directory):
        super().__init__(directory)
        self.victim = Victim(self.directory, extra=("--log-level", "warn"))
        self.port = self.victim.s3_port
        self.victim.access_key, self.victim.secret_key = self.access_key, self.secret_key
        self.objects = self.victim.objects

    def command(self):
        return self.victim.command()

    def environment(self):
        return self.victim.environment


class ExclusiveBeringia(Beringia):
    """All writes come through it: the catalog is believed."""

    name = "beringia-exclusive"
    fills_before_start = True  # what is there is found; what others put there later is not
    takes_files_later = False

    def command(self):
        return [*super().command(), "--freshness", "exclusive"]


NGINX = """\
{user} worker_processes 2; pid nginx.pid; error_log error.log; daemon off;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  open_file_cache max=200000 inactive=600s; open_file_cache_valid 60s;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


class Nginx(Server):
    """Plain files by sendfile, no signatures: what the machine can do."""

    name = "nginx"
    signed = False
    takes_files_later = False

    def __init__(self, directory, objects=None):
        """objects: what another server of the run serves too."""
        super().__init__(directory)
        self.fills_before_start = objects is None
        self.objects = objects or self.directory / "objects"

    def command(self):
        (self.directory / "nginx.conf").write_text(NGINX.format(
            user="user root;" if os.geteuid() == 0 else "",  # else its workers may not read
            port=self.port, root=self.objects))
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        return [program, "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")]


class Versitygw(Server):
    name = "versitygw"

    def __init__(self, directory, program):
        super().__init__(directory)
        self.program = program
        self.objects = self.directory / "objects"
        self.objects.mkdir()

    def command(self):
        return [str(self.program), "--port", f"127.0.0.1:{self.port}", "--access", self.access_key,
                "--secret", self.secret_key, "--quiet", "--keep-alive", "posix", str(self.objects)]


class Minio(Server):
    name = "minio"

    def __init__(self, directory, program):
        super().__init__(directory)
        self.program = program
        self.objects = None  # its own format

    def command(self):
        return [str(self.program), "server", "--quiet", "--address", f"127.0.0.1:{self.port}",
                "--console-address", f"127.0.0.1:{free_port()}", str(self.directory / "disk")]

    def environment(self):
        return dict(os.environ, MINIO_ROOT_USER=self.access_key,
                    MINIO_ROOT_PASSWORD=self.secret_key, MINIO_UPDATE="off",
                    MINIO_BROWSER="off")
