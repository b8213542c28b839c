"""Accepting an upload on the service: what is described, and what is refused."""

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidInput
from models.intake import SourceUpload, UploadedArtifact, UploadedFile
from models.source import ArtifactKind, Evidence, Language, SkippedFile, SkipReason
from starter.intake import accept as accept_module
from starter.intake.accept import accept
from tests.starter.intake.building import SOURCE_ID, a_diff, accepted, an_upload, changed_lines

LCOV = b"SF:a.py\nDA:1,1\nend_of_record\n"


def an_artifact(kind: ArtifactKind = ArtifactKind.LCOV, content: bytes = LCOV) -> UploadedArtifact:
    return UploadedArtifact(kind=kind, content=base64.b64encode(content))


def refused(upload: SourceUpload, **limits: int) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        accept(upload, source_id=SOURCE_ID, **limits)
    return caught.value


def test_a_source_is_described_file_by_file() -> None:
    source = accepted(an_upload({"b/x.rs": "fn é() {}\n\n", "a.py": "x = 1", "empty.py": ""}))
    manifest = source.manifest
    assert (manifest.source_id, manifest.label, manifest.is_change) == (SOURCE_ID, "project", False)
    assert [(file.path, file.language, file.lines, file.size, file.characters) for file in manifest.files] == [
        ("a.py", Language.PYTHON, 1, 5, 5),
        ("b/x.rs", Language.RUST, 2, 12, 11),
        ("empty.py", Language.PYTHON, 0, 0, 0),
    ]
    assert source.texts == {"a.py": "x = 1", "b/x.rs": "fn é() {}\n\n", "empty.py": ""}


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    source = accepted(an_upload({"a.py": "\ufeffx = 1\n"}, a_diff("a.py", "\ufeffx = 0\n", "\ufeffx = 1\n")))
    assert source.texts == {"a.py": "x = 1\n"}
    assert changed_lines(source, "a.py") == [1]


def test_evidence_comes_from_the_changed_lines_and_the_artifacts() -> None:
    text = "import socket\nx = 1\n"
    upload = an_upload({"a.py": text}, a_diff("a.py", text.replace("1", "0"), text))
    with_report = upload.model_copy(update={"artifacts": (an_artifact(),)})
    assert accepted(upload).manifest.evidence == ()
    assert accepted(an_upload({"a.py": text})).manifest.evidence == (Evidence.SECURITY_CONSTRUCTS,)
    assert accepted(with_report).manifest.evidence == (Evidence.COVERAGE,)
    assert accepted(with_report).manifest.artifacts == (ArtifactKind.LCOV,)


def test_lines_of_a_diff_may_differ_from_the_file_in_their_carriage_return() -> None:
    source = accepted(an_upload({"a.py": "x\r\ny\r\n"}, a_diff("a.py", "x\n", "x\ny\n")))
    assert changed_lines(source, "a.py") == [2]


def test_a_carriage_return_alone_ends_a_line_as_it_does_for_the_interpreter() -> None:
    before, after = "a\rb\r\nc\n", "a\rb\r\nd\re\nf\r"
    source = accepted(an_upload({"a.py": after}, a_diff("a.py", before, after)))
    assert source.texts == {"a.py": "a\nb\r\nd\ne\nf\n"}
    assert source.manifest.files[0].lines == 5
    assert changed_lines(source, "a.py") == [3, 4, 5]
    assert accepted(an_upload({"a.py": "# x\rb"})).texts == {"a.py": "# x\nb"}


def test_a_deletion_at_the_end_marks_the_last_line_and_an_emptied_file_none() -> None:
    assert changed_lines(accepted(an_upload({"a.py": "x\n"}, a_diff("a.py", "x\ny\n", "x\n"))), "a.py") == [1]
    two = a_diff("a.py", "x\n", "") + a_diff("b.py", "x\n", "y\n")
    assert changed_lines(accepted(an_upload({"a.py": "", "b.py": "y\n"}, two)), "a.py") == []


def test_what_the_client_left_out_is_reported_fit_for_display() -> None:
    upload = an_upload({"a.py": "x\n"}).model_copy(
        update={
            "label": "sh\x1b[31mop",
            "skipped": (
                SkippedFile(path="b\x1b[2J.png", reason=SkipReason.BINARY),
                SkippedFile(path="../x", reason=SkipReason.UNSUPPORTED_PATH),
            ),
        }
    )
    manifest = accepted(upload).manifest
    assert manifest.label == "sh\ufffd[31mop"
    assert [entry.path for entry in manifest.skipped] == ["../x", "b\ufffd[2J.png"]


def test_a_diff_may_name_what_was_left_out() -> None:
    diff = a_diff("a.py", "x\n", "y\n") + a_diff("big.py", "x\n", "y\n")
    upload = an_upload({"a.py": "y\n"}, diff)
    skipped = (SkippedFile(path="big.py", reason=SkipReason.TOO_LARGE),)
    assert changed_lines(accepted(upload.model_copy(update={"skipped": skipped})), "a.py") == [1]
    assert refused(upload).problem.code == "diff_file_missing"


texts = st.dictionaries(st.sampled_from(["a.py", "b/c.py", "é.rs", "Z.md"]), st.text(max_size=20), min_size=1)


@given(texts.map(lambda files: {path: text.replace("\0", "").lstrip("\ufeff") for path, text in files.items()}))
def test_the_content_hash_does_not_hang_on_order_or_json(files: dict[str, str]) -> None:
    shuffled = list(files.items())
    random.Random(1).shuffle(shuffled)
    first = accepted(an_upload(files))
    again = SourceUpload.model_validate_json(an_upload(dict(shuffled)).model_dump_json(indent=3))
    assert accepted(again).manifest == first.manifest
    assert accepted(again).texts == first.texts


def test_the_content_hash_tells_every_difference() -> None:
    base = an_upload({"a.py": "x\ny\n"})
    variants = [
        base,
        an_upload({"a.py": "x\nz\n"}),
        an_upload({"b.py": "x\ny\n"}),
        an_upload({"a.py": "x\ny\n", "b.py": ""}),
        an_upload({"a.py": "x\ny\n"}, a_diff("a.py", "0\ny\n", "x\ny\n")),
        an_upload({"a.py": "x\ny\n"}, a_diff("a.py", "x\n0\n", "x\ny\n")),
        base.model_copy(update={"files": (UploadedFile(path="a.py", text="x\ny\n", fragment=True),)}),
        base.model_copy(update={"artifacts": (an_artifact(),)}),
        base.model_copy(update={"artifacts": (an_artifact(content=LCOV * 2),)}),
        base.model_copy(update={"skipped": (SkippedFile(path="i.png", reason=SkipReason.BINARY),)}),
    ]
    hashes = [accepted(variant).manifest.content_hash for variant in variants]
    assert len(set(hashes)) == len(hashes)
    same_change = an_upload({"a.py": "x\ny\n"}, a_diff("a.py", "9\ny\n", "x\ny\n", context=0))
    assert accepted(same_change).manifest.content_hash == hashes[4]


def test_limits_are_the_callers_and_counted_over_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = an_upload({"a.py": "1234", "b.py": "é4"})
    accept(upload, source_id=SOURCE_ID, max_files=2, max_source_bytes=7)
    assert refused(upload, max_files=1).problem.details == {"max_files": 1}
    assert refused(upload, max_source_bytes=6).problem.details == {"max_bytes": 6}
    skipped = tuple(SkippedFile(path=f"{number}.png", reason=SkipReason.BINARY) for number in range(3))
    assert refused(upload.model_copy(update={"skipped": skipped}), max_files=2).status == 413
    monkeypatch.setattr(accept_module, "MAX_ARTIFACT_BYTES", len(LCOV) - 1)
    error = refused(upload.model_copy(update={"artifacts": (an_artifact(),)}))
    assert (error.problem.code, error.status) == ("artifact_too_large", 413)


@pytest.mark.parametrize(
    ("artifacts", "code"),
    [
        ((an_artifact(), an_artifact()), "duplicate_artifact"),
        ((an_artifact(ArtifactKind.PSTATS, LCOV),), "invalid_artifact"),
        ((an_artifact(ArtifactKind.LCOV, b""),), "invalid_artifact"),
        ((an_artifact(ArtifactKind.COVERAGE_JSON, b"{}"),), "invalid_artifact"),
    ],
)
def test_artifacts_that_are_not_what_they_claim_are_refused(artifacts: tuple[UploadedArtifact, ...], code: str) -> None:
    assert refused(an_upload({"a.py": "x\n"}).model_copy(update={"artifacts": artifacts})).problem.code == code
