# What there is to do: `make demo` to try it, `make check` before a commit, `make check-long` before a release.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
AT_ONCE := -n auto --dist loadfile --no-loadscope-reorder

.PHONY: setup demo test check check-long static-checks javascript messages clean

setup: .venv/tools-installed

.venv/installed: requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "expected Python 3.11 or newer, got %s: choose one with PYTHON=" % sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/tools-installed: .venv/installed requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: .venv/installed
	$(BIN)/python manage.py demo --port $(PORT)

# As many tests at once as there are cores, those of a file by one process; a browser's alone, for they look at time.
test: .venv/tools-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(AT_ONCE) -m "not browser"
	$(BIN)/python -m pytest -m browser

check: static-checks javascript test

# The long forms of what `check` tries in short (the marker `long` in pyproject.toml), and properties on new examples.
check-long: .venv/tools-installed
	$(BIN)/python -m pytest --long
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(AT_ONCE) -m "not browser" --hypothesis-profile new

static-checks: .venv/tools-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy manage.py studyapp generator analysis
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml studyapp generator analysis
	$(BIN)/python manage.py makemigrations --check --dry-run
	HTTPS=true ALLOWED_HOSTS=study.example.org $(BIN)/python manage.py check --deploy --fail-level WARNING

javascript: node_modules/installed
	npm run --silent check

node_modules/installed: package.json
	npm install --silent --no-audit --no-fund --no-package-lock
	@touch $@

# After a change of the participants' sentences: brings the catalogues up to date; needs GNU gettext.
messages: .venv/tools-installed
	cd studyapp && ../$(BIN)/python ../manage.py makemessages --all --no-wrap --add-location file --no-obsolete
	cd studyapp && ../$(BIN)/python ../manage.py compilemessages

clean:
	rm -rf .venv node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
