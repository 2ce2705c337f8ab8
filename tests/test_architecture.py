"""The walls between the parts: who may import whom, and what the web process loads."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NUMERICAL = {"torch", "numpy", "pandas", "scipy", "matplotlib", "skimage"}

LOADED = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from django.test import Client
import studyapp.wsgi
from django.core.management import call_command
call_command("migrate", verbosity=0)
client = Client(SERVER_NAME="localhost")
assert client.get("/").status_code == 200
assert client.get("/admin/login/").status_code == 200
print(json.dumps(sorted(sys.modules)))
"""


def test_the_import_contracts_hold():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_web_process_loads_no_numerical_library():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    assert "django" in loaded
    assert loaded & (NUMERICAL | {"generator", "analysis"}) == set()


def test_the_task_names_that_the_web_sends_exist_with_one_argument():
    from generator import tasks
    from studyapp import jobs, product_work
    from studyapp.bots import sending

    asked = {
        jobs.GENERATE_SLICE: tasks.generate_slice,
        jobs.TRAIN_SLICE: tasks.train_slice,
        jobs.MAKE_PRODUCT: product_work.make_product,
        jobs.SEND_BOTS: sending.send_bots,
    }
    assert set(asked) == set(jobs.TASKS.values())
    for name, task in asked.items():
        assert task.name == name
        assert list(inspect.signature(task.run).parameters) == ["slice_id"]


def test_every_kind_of_job_stands_in_every_table_of_kinds():
    from studyapp import jobs, product_work, products
    from studyapp.admin import jobs as pages
    from studyapp.models import Job

    for table in (jobs.TASKS, pages.PROGRESS, pages.FIELDS):
        assert set(table) == set(Job.Kind)
    made = {kind for kind, task in jobs.TASKS.items() if task == jobs.MAKE_PRODUCT}
    for table in (products.PRODUCTS, product_work.MAKERS, pages.PRODUCT_PAGES):
        assert set(table) == made


def test_every_module_of_the_product_says_what_it_knows():
    modules = [
        path
        for part in ("studyapp", "generator", "analysis")
        for path in (ROOT / part).rglob("*.py")
        if "migrations" not in path.parts and path.read_text().strip()
    ]
    silent = [
        path.relative_to(ROOT) for path in modules if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []
