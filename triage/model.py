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
        np.savez_compressed(folder / ARRAYS, **arrays)
        described = {"format": FORMAT, "numbers": {k: round(float(v), 6) for k, v in sorted(self.numbers.items())}}
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
        )


def _linear(arrays: Mapping[str, NDArray[Any]], name: str) -> Linear:
    weights = arrays[f"{name}.weights"].astype(np.float32) * arrays[f"{name}.scale"]
    return Linear(weights.astype(np.float32), arrays[f"{name}.bias"])
