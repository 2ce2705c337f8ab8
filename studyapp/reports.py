"""The analysis's report on a frozen export, made by `analysis/report.py` in a child process of a worker."""

import json
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from studyapp.export import export_freeze
from studyapp.export_zip import add_folder
from studyapp.files import write_whole
from studyapp.models import Job
from studyapp.products import kept_file

if TYPE_CHECKING:
    from studyapp.product_work import Work

PAGE = "report.html"
COMMAND = (sys.executable, str(settings.BASE_DIR / "analysis" / "report.py"))
TIMEOUT_S = 3600
# How the analysis begins the sentence of a refusal, and a line of how far it is.
REFUSAL, STEP = "report: ", "step: "
# How it ends where it could not write: the data are not to blame, and the next attempt may find place.
NOT_WRITTEN = 74


class ReportRefused(ValueError):
    """The analysis refused the data, which it would do again; the message is its own sentence."""


def make(work: "Work") -> dict[str, Any]:
    """Write the report as a zip with one folder, and tell which data and which code it comes from."""
    export, out = work.folder / "export", work.folder / "report"
    work.go_on("writing the answers out")
    summary = export_freeze(work.freeze, export)
    analyse(work, export, out, is_simulated=summary.is_simulated)
    with write_whole(work.out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        add_folder(archive, out, folder_name(work.row.job), work.row.job.created_utc)
    told = json.loads((out / "results.json").read_text(encoding="utf-8"))["provenance"]
    return {
        "n_erased": summary.n_erased_since,
        **{name: told[name] for name in ("data_sha256", "code_version", "code_sha256")},
    }


def folder_name(job: Job) -> str:
    """What a report's folder is called at home."""
    return f"{job.freeze.study if job.freeze else 'study'}-report-{job.pk}"


def analyse(work: "Work", export: Path, out: Path, *, is_simulated: bool) -> None:
    """Run the analysis; ended with the work. Raises ReportRefused with its sentence, RuntimeError for what may pass."""
    command = [*COMMAND, str(export), "--out", str(out), "--steps"]
    command += ["--pictures", str(settings.IMAGE_SETS_DIR)]
    command += ["--simulated"] * is_simulated + ["--live"] * bool(work.arguments.get("live"))
    said = work.folder / "said.txt"
    begun_s = time.monotonic()
    with said.open("wb") as errors:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, cwd=settings.BASE_DIR
        )
        try:
            while not _has_ended(child):
                work.go_on(step_in(said.read_text(errors="replace")))
                if time.monotonic() - begun_s > TIMEOUT_S:
                    raise ReportRefused(f"the analysis took longer than {TIMEOUT_S // 60} minutes")
        finally:
            child.kill()
            child.wait()
    if child.returncode != 0:
        raise failure(child.returncode, said.read_text(errors="replace").replace(f"{export}/", ""))


def _has_ended(child: "subprocess.Popen[bytes]") -> bool:
    try:
        child.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        return False
    return True


def step_in(said: str) -> str:
    """What the analysis is at: the last step that it has told."""
    steps = re.findall(f"^{STEP}(.+)$", said, re.MULTILINE)
    return steps[-1].replace("_", " ") if steps else "analysing"


def failure(returncode: int, said: str) -> Exception:
    """The reason of an analysis that failed: its own sentence, else what is known of its end."""
    if refusal := re.search(f"^{REFUSAL}(.+)", said, re.MULTILINE | re.DOTALL):
        kind = RuntimeError if returncode == NOT_WRITTEN else ReportRefused
        return kind(refusal[1].strip())
    if returncode < 0:
        return RuntimeError(f"the analysis was killed (signal {-returncode}): is the memory enough?")
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(STEP)]
    return RuntimeError(
        f"the analysis ended with {returncode}: {lines[-1] if lines else 'it gave no reason'}"
    )


def page_of(job: Job) -> bytes | None:
    """The report's page, None where it may not be shown any more."""
    path = kept_file(job)
    if path is None:
        return None
    with zipfile.ZipFile(path) as archive:
        return archive.read(f"{folder_name(job)}/{PAGE}")
