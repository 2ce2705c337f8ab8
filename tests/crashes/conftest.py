"""Prepared sites, made once and copied for each test."""

import pytest

from tests.crashes.loop import trials_a_sitting
from tests.crashes.site import Site, prepared_folder, run_module

FEW = 120


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """An open study in a data folder of its own, to be copied."""
    return prepared_folder(tmp_path_factory.mktemp("crashes") / "var", trials_a_sitting(FEW))


@pytest.fixture(scope="session")
def unguarded(prepared, tmp_path_factory):
    """The same without the database's own guard against a second answer to a trial."""
    site = Site.copied(prepared, tmp_path_factory.mktemp("unguarded") / "var")
    run_module(site.environment, "tests.crashes.planted.without_key")
    return site.folder
