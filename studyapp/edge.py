"""The command line's outer edge: runs a management command and turns foreseeable failures into one sentence.

Knows how an unreachable database, a full disk, an unfit file or a wrong setting announces itself; leaves what to
do about a refused request to the command that raised it.
"""

import errno
import sys
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

FULL = (errno.ENOSPC, errno.EDQUOT)
# What a shell reports of a program that Ctrl-C ended: 128 + SIGINT.
STOPPED = 130
# What stands in the audit log when it was done here (`make_report` tells it itself, before it waits); of these, what
# names a study first.
OF_STUDY = {"open_study", "close_study", "export_responses", "retention"}
AUDITED = {
    *OF_STUDY,
    "create_study",
    "import_images",
    "import_unsent",
    "changepassword",
    "createsuperuser",
    "backup",
}


def refusal(error: Exception) -> str | None:
    """The sentence for a failure that has a known remedy, None for a defect of ours."""
    from django.conf import settings
    from django.db import OperationalError

    if isinstance(error, ImproperlyConfigured):
        return str(error)
    is_full = "disk is full" in str(error) if isinstance(error, OperationalError) else False
    if is_full or (isinstance(error, OSError) and error.errno in FULL):
        return f"no space left to write (data folder {settings.DATA_DIR}): free some and run this again"
    if isinstance(error, OperationalError):
        database = settings.DATABASES["default"]
        where = f"{database['ENGINE'].rsplit('.', 1)[-1]} database {database['NAME']}"
        if database.get("HOST"):
            where += f" on {database['HOST']}:{database.get('PORT') or 'default port'}"
        return (
            f"expected an answer from the {where}, got: {str(error).strip().splitlines()[0]}. "
            "Nothing was stored. Start it or correct DATABASE_URL, then run this again "
            "(`python manage.py migrate` if its tables are missing)"
        )
    if isinstance(error, OSError) and error.filename is not None:
        path = error.filename2 or error.filename
        return f"{path}: cannot be read or written ({error.strerror}); choose another or mend it"
    return None


def write_down(argv: Sequence[str]) -> None:
    """Enter a command that changed or gave away something into the audit log."""
    if len(argv) < 2 or argv[1] not in AUDITED or {"-h", "--help"} & set(argv):
        return
    from studyapp import audit
    from studyapp.accounts import at_the_command_line

    study = argv[2] if len(argv) > 2 and not argv[2].startswith("-") else ""
    audit.note(
        at_the_command_line(), argv[1], study=study if argv[1] in OF_STUDY else "", how=" ".join(argv[1:])
    )


def run_command(argv: Sequence[str]) -> None:
    """Run `manage.py argv[1:]`; exits 1 with a sentence where the failure is the surroundings', 130 at Ctrl-C."""
    try:
        execute_from_command_line(list(argv))
        write_down(argv)
    except Exception as error:
        sentence = refusal(error)
        if sentence is None:
            raise
        sys.exit(f"error: {sentence}")
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(STOPPED)
