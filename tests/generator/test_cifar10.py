"""CIFAR-10 from binary files: exact, loud about copies, and strict with damaged ones."""

import hashlib
import io
import tarfile
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from generator.datasets import Request, load
from generator.datasets.cifar10 import ARCHIVE, CLASS_NAMES, LARGEST_FILES
from generator.datasets.download import Archive, fetch
from generator.datasets.unpacking import unpack
from generator.errors import DataError

RECORDS = 4
TRAIN_FILES = [f"data_batch_{n}.bin" for n in range(1, 6)]


def content_of(file: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(hash_of(file))
    return {
        "labels": rng.integers(0, 10, RECORDS, dtype=np.uint8),
        "planes": rng.integers(0, 256, (RECORDS, 3, 32, 32), dtype=np.uint8),
    }


def hash_of(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def record_bytes(file: str) -> bytes:
    made = content_of(file)
    return b"".join(
        bytes([label]) + planes.tobytes()
        for label, planes in zip(made["labels"], made["planes"], strict=True)
    )


@pytest.fixture
def folder(tmp_path):
    """The official layout with four records a file."""
    for file in (*TRAIN_FILES, "test_batch.bin"):
        (tmp_path / file).write_bytes(record_bytes(file))
    (tmp_path / "batches.meta.txt").write_text("\n".join(CLASS_NAMES) + "\n\n")
    return tmp_path


def test_records_are_planes_of_red_green_and_blue(folder):
    images = load("cifar10", Request("study", folder))
    made = content_of("test_batch.bin")
    assert images.labels.tolist() == made["labels"].tolist()
    for channel in range(3):
        assert np.array_equal(images.pixels[..., channel], made["planes"][:, channel])
    assert images.class_names[3] == "cat"


def test_training_files_come_in_order(folder):
    images = load("cifar10", Request("train", folder))
    labels = np.concatenate([content_of(file)["labels"] for file in TRAIN_FILES])
    assert images.labels.tolist() == labels.tolist()


def test_short_files_are_read_and_said_not_to_be_official(folder):
    (note,) = load("cifar10", Request("study", folder)).notes
    assert note.startswith("NOT THE OFFICIAL CIFAR-10 FILES: test_batch.bin has 4 records")


def test_the_short_copy_of_the_official_files_is_read(shared_data):
    folder = shared_data / "cifar-10-batches-bin-1017"
    train, study = (load("cifar10", Request(split, folder)) for split in ("train", "study"))
    assert (len(train), len(study)) == (5085, 1017)
    # The first test image of CIFAR-10 is a cat, as its site and every tutorial show.
    assert study.class_names[study.labels[0]] == "cat"
    assert "1017 records" in study.notes[0]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (
            lambda f: (f / "test_batch.bin").write_bytes(b""),
            r"test_batch\.bin: .*found 0 bytes, which is no record",
        ),
        (
            lambda f: (f / "test_batch.bin").write_bytes(record_bytes("x")[:-10]),
            r"expected records of 3073 bytes, found 12282 bytes, which is 4.00 records",
        ),
        (
            lambda f: (f / "test_batch.bin").write_bytes(record_bytes("x")[3073:] + b"\x0a" + bytes(3072)),
            "record 3: expected a label in 0..9, found 10",
        ),
        (lambda f: (f / "test_batch.bin").unlink(), r"test_batch\.bin: expected a file of CIFAR-10 records"),
        (lambda f: (f / "batches.meta.txt").unlink(), r"batches\.meta\.txt: expected the ten class names"),
        (
            lambda f: (f / "batches.meta.txt").write_text("apple\nbee\n"),
            r"batches\.meta\.txt: expected the class names airplane.*found apple, bee",
        ),
    ],
    ids=["empty", "truncated", "foreign label", "missing file", "missing names", "other names"],
)
def test_damaged_folders_are_refused_with_file_expected_and_found(folder, damage, complaint):
    damage(folder)
    with pytest.raises(DataError, match=complaint):
        load("cifar10", Request("study", folder))


def test_without_files_it_says_how_to_get_them(tmp_path):
    with pytest.raises(DataError, match="with --data, or add --download"):
        load("cifar10", Request(data_folder=tmp_path))


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected the binary files of CIFAR-10 .* found neither"):
        load("cifar10", Request(path=tmp_path))
    with pytest.raises(DataError, match="found nothing; check the path"):
        load("cifar10", Request(path=tmp_path / "nowhere"))


def tar_of(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def official_members() -> dict[str, bytes]:
    files = (*TRAIN_FILES, "test_batch.bin")
    members = {f"cifar-10-batches-bin/{file}": record_bytes(file) for file in files}
    return members | {"cifar-10-batches-bin/batches.meta.txt": "\n".join(CLASS_NAMES).encode()}


def test_an_archive_writes_only_the_known_files_under_their_own_names(tmp_path):
    wild = {
        "../outside.txt": b"x",
        "/absolute-by-tachisto": b"x",
        "cifar-10-batches-bin/readme.html": b"x",
    }
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(tar_of(official_members() | wild, links={"test_batch.bin": "/etc/passwd"}))
    target = tmp_path / "target"
    unpack(archive, target, LARGEST_FILES)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tar.gz", "target"]
    assert sorted(file.name for file in target.iterdir()) == sorted(
        [*TRAIN_FILES, "test_batch.bin", "batches.meta.txt"]
    )
    assert not (target / "test_batch.bin").is_symlink()
    assert len(load("cifar10", Request("study", target))) == RECORDS


def test_archives_that_are_damaged_or_incomplete_are_refused(tmp_path):
    whole = tar_of(official_members())
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="found a damaged one"):
        unpack(tmp_path / "cut.tar.gz", tmp_path / "t", LARGEST_FILES)
    members = official_members()
    members.pop("cifar-10-batches-bin/test_batch.bin")
    (tmp_path / "less.tar.gz").write_bytes(tar_of(members))
    with pytest.raises(DataError, match=r"test_batch\.bin missing in it"):
        unpack(tmp_path / "less.tar.gz", tmp_path / "t", LARGEST_FILES)


class Server(ThreadingHTTPServer):
    """Serves one file; `breaks_after` bytes it hangs up, `ranges` says whether it knows ranges."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.ranges, self.breaks_after = content, True, None
        self.asked: list[str | None] = []

    @property
    def archive(self) -> Archive:
        url = f"http://127.0.0.1:{self.server_port}/file.tar.gz"
        return Archive(url, len(self.content), hashlib.sha256(self.content).hexdigest())


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers["Range"]
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.ranges else 0
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # whoever has enough hangs up
            self.wfile.write(body[: self.server.breaks_after])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server():
    content = np.random.default_rng(0).integers(0, 256, 1_000_000, dtype=np.uint8).tobytes()
    with Server(content) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("ranges", [True, False], ids=["with ranges", "without"])
def test_a_broken_download_goes_on_where_it_stopped(tmp_path, server, ranges):
    server.breaks_after = 300_000
    with pytest.raises(DataError, match="run the same command again to go on"):
        fetch(server.archive, tmp_path)
    kept = (tmp_path / "file.tar.gz.part").stat().st_size
    assert 0 < kept <= 300_000
    server.breaks_after, server.ranges = None, ranges
    heard = []
    path = fetch(server.archive, tmp_path, lambda here, in_all: heard.append((here, in_all)))
    assert path.read_bytes() == server.content
    assert server.asked == [None, f"bytes={kept}-"]
    assert heard[-1] == (1_000_000, 1_000_000)
    assert [file.name for file in tmp_path.iterdir()] == ["file.tar.gz"]


def test_a_file_that_is_there_is_not_fetched_again(tmp_path, server):
    fetch(server.archive, tmp_path)
    fetch(server.archive, tmp_path)
    assert len(server.asked) == 1


def test_other_bytes_than_published_are_refused_and_deleted(tmp_path, server):
    published = server.archive
    server.content = bytes(1_000_000)
    with pytest.raises(DataError, match=r"expected SHA-256 .*, got .*what was downloaded is deleted"):
        fetch(published, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_server_that_sends_more_than_published_is_cut_off(tmp_path, server):
    published = server.archive
    server.content += bytes(5_000_000)
    with pytest.raises(DataError, match="expected 1000000 bytes, got 1000001"):
        fetch(published, tmp_path)


def test_a_server_that_does_not_answer_is_a_clear_error(tmp_path, server):
    published = server.archive
    server.shutdown()
    server.server_close()
    with pytest.raises(DataError, match="the download broke off"):
        fetch(published, tmp_path)


def test_the_official_archive_is_the_published_one():
    assert (ARCHIVE.size_bytes, ARCHIVE.name) == (170052171, "cifar-10-binary.tar.gz")
