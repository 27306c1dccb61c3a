"""What training found, as plain numbers on disk: no pickles, no text, nothing that runs when loaded."""

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.taxonomy import SUBS, Category, MissingField
from triage.linear import Compact, Floats, Linear
from triage.vocabulary import Vocabulary

FORMAT = 5
"""4: names, sexes and places are no words any more. 5: nor are other proper names, by a vocabulary."""
ARRAYS, NUMBERS = "model.npz", "model.json"
MODEL = Path(__file__).parent / "model"
_FIELDS = tuple(field for field in MissingField if field is not MissingField.EMAIL)
_HEADS = (
    *("kind", "describes", "anonymous", "primary", "severity", "concerned name", "concerned function"),
    *(f"category {category}" for category in Category),
    *(f"sub {sub}" for subs in SUBS.values() for sub in subs),
    *(f"missing {field}" for field in _FIELDS),
)
_NUMBERS = ("category", "name", "function", *(f"sure {field}" for field in _FIELDS))
"""What no report can be made without."""
_LENGTH = struct.Struct("!I")


class BadModel(ValueError):
    """The folder holds no model that this version can use; the message says what to do."""


@dataclass(frozen=True, slots=True)
class BuiltOn:
    """The pretrained pipeline beside the n-grams (`triage.pretrained`), and what the text model makes of its vectors.
    `probe` is its vector of one fixed text, by which it is known again."""

    name: str
    version: str
    probe: NDArray[np.float32]
    columns: NDArray[np.float32]
    """A row for each number of a vector, a column for each output of the text model."""

    @property
    def length(self) -> int:
        return len(self.probe)


@dataclass(frozen=True, slots=True)
class Model:
    """Everything learned. `numbers` are thresholds and the like."""

    word_idf: NDArray[np.float32]
    char_idf: NDArray[np.float32]
    text: Compact
    tagger: Linear
    moves: Floats
    names: Linear
    functions: Linear
    heads: Mapping[str, Linear]
    numbers: Mapping[str, float]
    vocabulary: Vocabulary
    built_on: BuiltOn | None = None

    def save(self, folder: Path) -> None:
        """Write the model into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        archive, described = self._written()
        (folder / ARRAYS).write_bytes(archive)
        (folder / NUMBERS).write_bytes(described)

    def to_bytes(self) -> bytes:
        """The same as one piece, for a model that must not lie on a disk."""
        archive, described = self._written()
        return _LENGTH.pack(len(described)) + described + archive

    def _written(self) -> tuple[bytes, bytes]:
        """The archive and the description; a name in the archive names a part, never a word of a mail."""
        arrays: dict[str, Any] = {
            "word_idf": self.word_idf.astype(np.float16),
            "char_idf": self.char_idf.astype(np.float16),
            "moves": self.moves,
            "text.codes": self.text.codes,
            "text.scale": self.text.scale,
            "text.bias": self.text.bias,
            "vocabulary": self.vocabulary.hashes,
        }
        for name, linear in self._linears().items():
            scale = np.abs(linear.weights).max(axis=0) / 1000 + 1e-12
            small = linear.weights.shape[0] < 1000
            arrays[f"{name}.weights"] = linear.weights if small else (linear.weights / scale).astype(np.float16)
            arrays[f"{name}.scale"] = (np.ones_like(scale) if small else scale).astype(np.float32)
            arrays[f"{name}.bias"] = linear.bias.astype(np.float32)
        numbers = {k: round(float(v), 6) for k, v in sorted(self.numbers.items())}
        described: dict[str, Any] = {"format": FORMAT, "numbers": numbers}
        if built := self.built_on:
            arrays |= {"pipeline.probe": built.probe, "pipeline.columns": built.columns}
            described["pipeline"] = {"name": built.name, "version": built.version, "length": built.length}
        archive = io.BytesIO()
        np.savez_compressed(archive, **arrays)
        return archive.getvalue(), (json.dumps(described, indent=1) + "\n").encode()

    def _linears(self) -> dict[str, Linear]:
        heads = {f"heads.{name}": head for name, head in self.heads.items()}
        return {"tagger": self.tagger, "names": self.names, "functions": self.functions, **heads}

    @classmethod
    def load(cls, path: Path = MODEL) -> "Model":
        """Read a model from its folder, or from a file of what `to_bytes` gave; raises BadModel when there is none or
        another version wrote it."""
        try:
            content, written = _parts(path)
            described = json.loads(written)
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, struct.error) as error:
            raise BadModel(
                f"There is no usable model in {path} ({type(error).__name__}). Run meldpost train."
            ) from None
        if not isinstance(described, dict) or described.get("format") != FORMAT:
            raise BadModel(f"The model in {path} is of another version of Meldpost. Run meldpost train.")
        try:
            return cls._of(arrays, described, path)
        except BadModel:
            raise
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BadModel(f"The model in {path} is not whole ({type(error).__name__}). Run meldpost train.") from None

    @classmethod
    def _of(cls, arrays: Mapping[str, NDArray[Any]], described: Mapping[str, Any], path: Path) -> "Model":
        linears = {
            name.removesuffix(".weights"): _linear(arrays, name.removesuffix(".weights"))
            for name in arrays
            if name.endswith(".weights")
        }
        heads = {n.removeprefix("heads."): lin for n, lin in linears.items() if n.startswith("heads.")}
        numbers = {str(k): float(v) for k, v in described["numbers"].items()}
        if missing := {*_HEADS} - {*heads} | {*_NUMBERS} - {*numbers}:
            raise BadModel(f"The model in {path} is not whole: it lacks {min(missing)!r}. Run meldpost train.")
        return cls(
            word_idf=arrays["word_idf"].astype(np.float32),
            char_idf=arrays["char_idf"].astype(np.float32),
            text=Compact(arrays["text.codes"], arrays["text.scale"], arrays["text.bias"]),
            tagger=linears["tagger"],
            moves=arrays["moves"].astype(np.float64),
            names=linears["names"],
            functions=linears["functions"],
            heads=heads,
            numbers=numbers,
            vocabulary=Vocabulary(arrays["vocabulary"]),
            built_on=_built_on(described, arrays, path),
        )


def _built_on(described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], path: Path) -> BuiltOn | None:
    told = described.get("pipeline")
    if told is None:
        return None
    probe, columns = arrays.get("pipeline.probe"), arrays.get("pipeline.columns")
    outputs = len(arrays["text.bias"])
    if probe is None or columns is None or columns.shape != (*probe.shape, outputs) or len(probe) != told.get("length"):
        raise BadModel(f"The model in {path} is not whole: what it makes of its pipeline is missing. Train it anew.")
    return BuiltOn(str(told["name"]), str(told["version"]), probe.astype(np.float32), columns.astype(np.float32))


def is_of_this_version(content: bytes) -> bool:
    """Can what `Model.to_bytes` gave be used by this version? Reads its description alone."""
    try:
        return bool(json.loads(_in_one(content)[1])["format"] == FORMAT)
    except (ValueError, LookupError, struct.error):
        return False


def _parts(path: Path) -> tuple[bytes, bytes]:
    """The archive and the description."""
    if path.is_dir():
        return (path / ARRAYS).read_bytes(), (path / NUMBERS).read_bytes()
    return _in_one(path.read_bytes())


def _in_one(content: bytes) -> tuple[bytes, bytes]:
    (length,) = _LENGTH.unpack(content[: _LENGTH.size])
    return content[_LENGTH.size + length :], content[_LENGTH.size : _LENGTH.size + length]


def _linear(arrays: Mapping[str, NDArray[Any]], name: str) -> Linear:
    weights = arrays[f"{name}.weights"].astype(np.float32) * arrays[f"{name}.scale"]
    return Linear(weights.astype(np.float32), arrays[f"{name}.bias"])
