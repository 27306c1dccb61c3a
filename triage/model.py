"""What training found, as plain numbers on disk: no pickles, no text, nothing that runs when loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.linear import Compact, Floats, Linear

FORMAT = 3
ARRAYS, NUMBERS = "model.npz", "model.json"
MODEL = Path(__file__).parent / "model"


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
    built_on: BuiltOn | None = None

    def save(self, folder: Path) -> None:
        """Write the model; a name in the archive names a part, never a word of a mail."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {
            "word_idf": self.word_idf.astype(np.float16),
            "char_idf": self.char_idf.astype(np.float16),
            "moves": self.moves,
            "text.codes": self.text.codes,
            "text.scale": self.text.scale,
            "text.bias": self.text.bias,
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
        np.savez_compressed(folder / ARRAYS, **arrays)
        (folder / NUMBERS).write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")

    def _linears(self) -> dict[str, Linear]:
        heads = {f"heads.{name}": head for name, head in self.heads.items()}
        return {"tagger": self.tagger, "names": self.names, "functions": self.functions, **heads}

    @classmethod
    def load(cls, folder: Path = MODEL) -> "Model":
        """Read a model; raises BadModel when there is none or another version wrote it."""
        try:
            described = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
            with np.load(folder / ARRAYS, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError) as error:
            raise BadModel(
                f"There is no usable model in {folder} ({type(error).__name__}). Run meldpost train."
            ) from None
        if described.get("format") != FORMAT:
            raise BadModel(f"The model in {folder} is of another version of Meldpost. Run meldpost train.")
        linears = {
            name.removesuffix(".weights"): _linear(arrays, name.removesuffix(".weights"))
            for name in arrays
            if name.endswith(".weights")
        }
        return cls(
            word_idf=arrays["word_idf"].astype(np.float32),
            char_idf=arrays["char_idf"].astype(np.float32),
            text=Compact(arrays["text.codes"], arrays["text.scale"], arrays["text.bias"]),
            tagger=linears["tagger"],
            moves=arrays["moves"].astype(np.float64),
            names=linears["names"],
            functions=linears["functions"],
            heads={n.removeprefix("heads."): lin for n, lin in linears.items() if n.startswith("heads.")},
            numbers={str(k): float(v) for k, v in described["numbers"].items()},
            built_on=_built_on(described, arrays, folder),
        )


def _built_on(described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], folder: Path) -> BuiltOn | None:
    told = described.get("pipeline")
    if told is None:
        return None
    probe, columns = arrays.get("pipeline.probe"), arrays.get("pipeline.columns")
    outputs = len(arrays["text.bias"])
    if probe is None or columns is None or columns.shape != (*probe.shape, outputs) or len(probe) != told.get("length"):
        raise BadModel(f"The model in {folder} is not whole: what it makes of its pipeline is missing. Train it anew.")
    return BuiltOn(str(told["name"]), str(told["version"]), probe.astype(np.float32), columns.astype(np.float32))


def _linear(arrays: Mapping[str, NDArray[Any]], name: str) -> Linear:
    weights = arrays[f"{name}.weights"].astype(np.float32) * arrays[f"{name}.scale"]
    return Linear(weights.astype(np.float32), arrays[f"{name}.bias"])
