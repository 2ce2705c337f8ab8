"""All settings of the site, fed by the environment; embedded defaults make a laptop enough.

| variable | means | default |
|---|---|---|
| TACHISTO_DATA | folder with all state: database, image sets, packs, reports, broker, logs, secret key | `var/` |
| DATABASE_URL | `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME` | SQLite in the data folder |
| BROKER_URL | `filesystem://` (the data folder), `redis://HOST` or `amqp://HOST` | `filesystem://` |
| SECRET_KEY | signs cookies and links, at least 50 characters | made once, in the data folder |
| ALLOWED_HOSTS | host names the site answers to, separated by commas | this machine only |
| CSRF_TRUSTED_ORIGINS | origins behind a proxy, `https://study.example.org` | none |
| HTTPS | `true` where TLS ends before us: secure cookies, redirects, HSTS | `false` |
| REQUIRE_SECOND_FACTOR | `true`: everybody on the staff sets up a second factor before anything else | `false` |
| DEBUG | `true` shows tracebacks; never on a public host | `false` |
| TRAIN_QUEUE, GENERATE_QUEUE | queue that trainings, drawings are sent to: `gpu` for workers of `-Q gpu` | `celery` |
| WORKER_NICE | how far a worker steps back for the web server, 0 to 19 | 10 |
| WORKER_THREADS | most threads of a drawing in one worker | all cores |

What computes on which device is the worker's: `TACHISTO_DEVICE` in its own environment (see generator/device.py).
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def boolean(name: str) -> bool:
    """A yes/no setting, default no; anything but true/false/1/0/yes/no is refused."""
    value = os.environ.get(name, "false").strip().lower()
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
    if value not in words:
        raise ImproperlyConfigured(f"{name}: expected true or false, got {value!r}")
    return words[value]


def number(name: str, default: int, low: int, high: int) -> int:
    """A whole number within a range; anything else is refused."""
    value = os.environ.get(name, "").strip()
    if value and not (value.isdecimal() and low <= int(value) <= high):
        raise ImproperlyConfigured(f"{name}: expected a whole number from {low} to {high}, got {value!r}")
    return int(value or default)


def data_folder() -> Path:
    folder = Path(os.environ.get("TACHISTO_DATA") or BASE_DIR / "var").expanduser().resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error
    return folder


def unusable(path: Path, error: OSError) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"TACHISTO_DATA: expected a folder that can be created and written, got {path} ({error.strerror})"
    )


def folder_in_data(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error


def secret_key(folder: Path) -> str:
    """SECRET_KEY of the environment, else one made once and kept in the data folder, readable by its owner."""
    given = os.environ.get("SECRET_KEY")
    if given is not None:
        if len(given) < 50:
            raise ImproperlyConfigured(f"SECRET_KEY: expected at least 50 characters, got {len(given)}")
        return given
    path = folder / "secret_key"
    if not path.exists():
        store_whole(path, secrets.token_urlsafe(64))
    key = path.read_text().strip()
    if len(key) < 50:
        raise ImproperlyConfigured(
            f"{path}: expected a key of at least 50 characters, got {len(key)}; bring the file back, or remove it "
            "for a new key (people are then asked to sign in again)"
        )
    return key


def store_whole(path: Path, text: str) -> None:
    """Make a file that only its owner reads, whole or not at all; one that is there already stays."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never replaces the key of another process that starts at the same time.
        with suppress(FileExistsError):
            os.link(temporary, path)
    except OSError as error:
        raise unusable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


SQLITE_OPTIONS = {
    # FULL: an answer that was acknowledged survives a power cut. IMMEDIATE: a transaction that
    # reads and then writes waits for its turn and never fails half-way with "database is locked".
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}
DATABASE_ENGINES: dict[str, dict[str, Any]] = {
    # Kept for ten minutes: the last connection that closes makes SQLite clear its log with two fsyncs,
    # which a quiet hour would otherwise pay at the end of every request.
    "django.db.backends.sqlite3": {"OPTIONS": SQLITE_OPTIONS, "CONN_MAX_AGE": 600},
    "django.db.backends.postgresql": {"OPTIONS": {"pool": {"min_size": 1, "max_size": 8, "timeout": 10}}},
}


def database(folder: Path) -> dict[str, Any]:
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{folder / 'db.sqlite3'}"
    expected = (
        "DATABASE_URL: expected sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME, "
        f"got {url.split('@')[-1]!r}"
    )
    try:
        parsed = dict(env.db_url_config(url))
    except Exception as error:
        raise ImproperlyConfigured(expected) from error
    if parsed.get("ENGINE") not in DATABASE_ENGINES or not parsed.get("NAME"):
        raise ImproperlyConfigured(expected)
    defaults = DATABASE_ENGINES[parsed["ENGINE"]]
    return {**defaults, **parsed, "OPTIONS": {**defaults["OPTIONS"], **parsed.get("OPTIONS", {})}}


BROKERS = ("filesystem://", "redis://", "rediss://", "amqp://", "amqps://")


def broker() -> str:
    url = os.environ.get("BROKER_URL") or "filesystem://localhost/"
    if not url.startswith(BROKERS):
        raise ImproperlyConfigured(
            f"BROKER_URL: expected one of {', '.join(BROKERS)}, got {url.split('@')[-1]!r}"
        )
    return url


DATA_DIR = data_folder()
IMAGE_SETS_DIR = DATA_DIR / "image_sets"
PACKS_DIR = DATA_DIR / "packs"
JOBS_DIR = DATA_DIR / "jobs"
REPORTS_DIR = DATA_DIR / "reports"
EXPORTS_DIR = DATA_DIR / "exports"
CHECKPOINTS_DIR = DATA_DIR / "checkpoints"
DATASETS_DIR = DATA_DIR / "datasets"
LOGS_DIR = DATA_DIR / "logs"
STATIC_ROOT = DATA_DIR / "static"
for _folder in (
    *(IMAGE_SETS_DIR, PACKS_DIR, JOBS_DIR, REPORTS_DIR, EXPORTS_DIR, CHECKPOINTS_DIR, LOGS_DIR, STATIC_ROOT),
):
    folder_in_data(_folder)

DEBUG = boolean("DEBUG")
HTTPS = boolean("HTTPS")
SECRET_KEY = secret_key(DATA_DIR)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
for _origin in CSRF_TRUSTED_ORIGINS:
    if not _origin.startswith(("https://", "http://")):
        raise ImproperlyConfigured(f"CSRF_TRUSTED_ORIGINS: expected https://HOST, got {_origin!r}")

INSTALLED_APPS = [
    "studyapp.apps.StudyAppConfig",
    "studyapp.apps.StudyAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "studyapp.isolation.CrossOriginIsolationMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "studyapp.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "studyapp.urls"
WSGI_APPLICATION = "studyapp.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "studyapp" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTHENTICATION_BACKENDS = [
    "studyapp.accounts.OneUsePasswordBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
REQUIRE_SECOND_FACTOR = boolean("REQUIRE_SECOND_FACTOR")
OTP_TOTP_ISSUER = "Tachisto"
OTP_TOTP_THROTTLE_FACTOR = 0  # `second_factor` limits tries, recovery codes included

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # each by its own name
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = ["studyapp.formats"]

STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "studyapp.static_files.HashedModuleStorage"},
}

# A sitting's cookie and every session are HttpOnly; Lax lets a link of a recruiting panel in.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "studyapp.views.pages.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20

CELERY_BROKER_URL = broker()
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem://"):
    _queue = DATA_DIR / "broker"
    for _folder in (_queue, _queue / "control"):
        folder_in_data(_folder)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue),
        "data_folder_out": str(_queue),
        "control_folder": str(_queue / "control"),
    }
elif CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600, "socket_connect_timeout": 5}
# Celery carries only the id of a slice and wakes a worker; what is done stands in the job tables.
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
# Trainings on a GPU have a queue of their own, for which one worker a GPU is started; nobody else takes from it.
CELERY_TASK_ROUTES = {
    task: {"queue": os.environ.get(variable) or "celery"}
    for task, variable in (
        ("generator.train_slice", "TRAIN_QUEUE"),
        ("generator.generate_slice", "GENERATE_QUEUE"),
    )
}
WORKER_NICE = number("WORKER_NICE", 10, 0, 19)
WORKER_THREADS = number("WORKER_THREADS", os.cpu_count() or 1, 1, 1024)
CELERY_IMPORTS = ("generator.tasks", "studyapp.sweeper", "studyapp.product_work", "studyapp.bots.sending")
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "studyapp.sweep", "schedule": 30.0},
    "keep promises": {"task": "studyapp.keep_promises", "schedule": 6 * 3600.0},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # No request line and no address: participants' IP addresses are stored nowhere, logs included.
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
