import hashlib
import json

import pytest

from registry import digests
from registry.errors import DigestMismatch, UnsafeArtifact


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "deep" / "b.npz").write_bytes(b"12")
    return tmp_path


def test_the_digest_is_the_hash_of_the_files_hashes(folder):
    hashes = {"a.json": hashlib.sha256(b"{}").hexdigest(), "deep/b.npz": hashlib.sha256(b"12").hexdigest()}
    canonical = json.dumps(hashes, sort_keys=True, separators=(",", ":"))
    assert digests.write_manifest(folder) == hashlib.sha256(canonical.encode()).hexdigest()
    assert json.loads((folder / "manifest.json").read_text()) == hashes


def test_untouched_files_are_proven_and_writing_twice_gives_the_same_digest(folder):
    digest = digests.write_manifest(folder)
    assert digests.write_manifest(folder) == digest
    digests.verify(folder, digest)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "deep" / "b.npz").write_bytes(b"13"), "deep/b.npz changed"),
        (lambda folder: (folder / "a.json").unlink(), "a.json changed"),
        (lambda folder: (folder / "extra.json").write_text("1"), "extra.json changed"),
    ],
    ids=["changed", "missing", "additional"],
)
def test_a_file_that_changed_went_or_came_is_named(folder, spoil, said):
    digest = digests.write_manifest(folder)
    spoil(folder)
    with pytest.raises(DigestMismatch, match=said):
        digests.verify(folder, digest)


def test_files_with_a_manifest_that_was_rewritten_to_fit_are_refused(folder):
    digest = digests.write_manifest(folder)
    (folder / "a.json").write_text('{"evil": true}')
    digests.write_manifest(folder)
    with pytest.raises(DigestMismatch, match="its manifest is another version's"):
        digests.verify(folder, digest)


def test_a_missing_manifest_is_refused_though_the_files_are_right(folder):
    digest = digests.write_manifest(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(DigestMismatch, match="is missing or does not list the files"):
        digests.verify(folder, digest)


@pytest.mark.parametrize("file", ["m.pkl", "m.pickle", "m.joblib", "m.h5", "m.pt", "code.py", "plain"])
def test_a_file_that_can_run_code_is_refused_when_written_and_when_read(folder, file):
    """Guards P30."""
    digest = digests.write_manifest(folder)
    (folder / file).write_bytes(b"\x80\x04.")
    with pytest.raises(UnsafeArtifact, match=f"{file}.*can run code"):
        digests.verify(folder, digest)
    with pytest.raises(UnsafeArtifact, match="save a model as"):
        digests.write_manifest(folder)


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "c.json"
    outside.write_text("{}")
    (folder / "c.json").symlink_to(outside)
    with pytest.raises(UnsafeArtifact, match=r"c\.json"):
        digests.write_manifest(folder)


def test_one_file_is_proven_with_the_manifest_alone(folder, tmp_path_factory):
    digest = digests.write_manifest(folder)
    (folder / "deep" / "b.npz").unlink()
    digests.verify_file(folder, "a.json", digest)
    (folder / "a.json").write_text("[]")
    with pytest.raises(DigestMismatch, match=r"a\.json is not the file"):
        digests.verify_file(folder, "a.json", digest)
    with pytest.raises(DigestMismatch, match="is not what was registered"):
        digests.verify_file(folder, "a.json", "0" * 64)
