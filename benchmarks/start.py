"""How long `make demo` takes on a fresh clone (package cache warm), how long its second start, and what it occupies.

Run it with any Python: `python3 benchmarks/start.py`. It clones the committed state into a temporary folder.
"""

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 900


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_page(url: str, demo: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if demo.poll() is not None:
            raise SystemExit(f"`make demo` ended with {demo.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5) as page:  # noqa: S310  our own address
                if page.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise SystemExit(f"nothing answered at {url} within {PATIENCE_S} s")


def resident_mb(command_part: str) -> list[float]:
    """Resident memory of the processes whose command line holds this text, in MB (10**6 bytes)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = status.with_name("cmdline").read_bytes().decode().replace("\0", " ")
            rss_kb = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        except (OSError, StopIteration):
            continue
        if command_part in command:
            found.append(int(rss_kb.split()[1]) * 1024 / 1e6)
    return sorted(found)


def start(clone: Path, port: int) -> tuple[float, list[float]]:
    """Seconds until the demo study answers, and the resident MB of each web process then."""
    begun = time.monotonic()
    demo = subprocess.Popen(["make", "demo", f"PORT={port}"], cwd=clone, start_new_session=True)
    try:
        wait_for_page(f"http://127.0.0.1:{port}/s/demo/", demo)
        seconds = time.monotonic() - begun
        for page in ("admin/login/", "s/demo/consent/"):
            wait_for_page(f"http://127.0.0.1:{port}/{page}", demo)
        return seconds, resident_mb(f"127.0.0.1:{port}")
    finally:
        os.killpg(demo.pid, signal.SIGTERM)
        demo.wait(timeout=60)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tachisto-start-") as folder:
        clone = Path(folder) / "tachisto"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        port = free_port()
        rows = [("fresh clone", *start(clone, port)), ("second start", *start(clone, port))]
    print("\n| start | seconds until the study answers | web processes, resident MB |\n|---|---|---|")
    for name, seconds, megabytes in rows:
        print(f"| {name} | {seconds:.1f} | {', '.join(f'{mb:.0f}' for mb in megabytes)} |")


if __name__ == "__main__":
    main()
