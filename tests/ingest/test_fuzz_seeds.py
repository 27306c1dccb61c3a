"""What the fuzzer begins with (docs/fuzzing.md) lies where it looks, and its files are read to their end."""

import pytest

from fuzz.seeds import FILES, MAILS, SEEDS, file_seeds
from ingest.mail import Finding
from tests.ingest import made_files as made
from tests.ingest.fuzz import read_whole


def test_every_seed_is_written() -> None:
    files = {f"with-{name.replace('.', '-')}.eml" for name in file_seeds()}
    assert {each.name for each in MAILS.iterdir()} == {f"{name}.eml" for name in SEEDS} | files
    assert {each.name for each in FILES.iterdir()} == set(file_seeds())


@pytest.mark.parametrize("name", file_seeds())
def test_a_file_among_the_seeds_is_read_to_its_end(name: str) -> None:
    content_type, data = file_seeds()[name]
    mail = read_whole(made.mail((name, content_type, data)))
    assert mail is not None
    file, *_ = mail.attachments
    assert file.findings == ((Finding.UNSUPPORTED,) if content_type.startswith("image/") else ()), "no OCR here"
