"""Tesseract as a library: its models are loaded before the first fork, so that a reader needs no file of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ingest.attachments.task import Budget

_PLACES = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
)
_SURE = 60
"""Words of which Tesseract is less certain (of 100) are mostly shapes that are none."""
_SURE_PAGE = 0.5
"""Where fewer of the letters are in certain words, the picture shows something else than text."""
_RESOLUTION = 200


class Tesseract:
    """Reads Dutch and English. One for each process, and not to be shared by threads."""

    def __init__(self, models: Models) -> None:
        import tesserocr  # a process that only asks what is installed does not load it

        self._api = tesserocr.PyTessBaseAPI(
            path=str(models.folder), lang="+".join(models.languages), psm=tesserocr.PSM.AUTO
        )
        # What it has to say it would write to a file that it opens at the first word, and dies where it cannot.
        self._api.SetVariable("debug_file", "")

    def text_of(self, picture: Image.Image, budget: Budget) -> str | None:
        api = self._api
        picture = picture if picture.mode == "L" else picture.convert("L")
        width, height = picture.size
        # SetImage would write the picture into a file format first, for which Pillow asks where it is.
        api.SetImageBytes(picture.tobytes(), width, height, 1, width)
        api.SetSourceResolution(_RESOLUTION)
        try:
            if not api.Recognize(max(1, int(budget.left * 1000))) or not budget.left:
                return None
            return self._certain_text()
        finally:
            api.Clear()

    def _certain_text(self) -> str:
        words = [(word, sure) for word, sure in self._api.MapWordConfidences() if word.strip()]
        letters = sum(len(word) for word, _ in words)
        certain = sum(len(word) for word, sure in words if sure >= _SURE)
        if not letters or certain / letters < _SURE_PAGE:
            return ""
        text: str = self._api.GetUTF8Text()
        return text.strip()


@dataclass(frozen=True)
class Models:
    """Where Tesseract's models are, and of which of the languages."""

    folder: Path
    languages: tuple[str, ...]


def installed(folder: Path | None, languages: Sequence[str]) -> Models | None:
    """The models in `folder`, else where the system puts them; None where there are none."""
    for place in (folder,) if folder else map(Path, _PLACES):
        there = tuple(language for language in languages if (place / f"{language}.traineddata").is_file())
        if there:
            return Models(place, there)
    return None


def load(folder: Path | None, languages: Sequence[str]) -> Tesseract | None:
    """None where Tesseract's models are not installed: then pictures stay unread, and say so."""
    models = installed(folder, languages)
    return Tesseract(models) if models else None
