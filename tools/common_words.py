"""Count the words of the packaged corpus, and write the most frequent of them to `store/common_words.txt`.

python tools/common_words.py
"""

import json
import re
from collections import Counter
from pathlib import Path

TOP = Path(__file__).parents[1]
KEPT = 16_384
_WORD = re.compile(r"[^\W\d_]{2,}")
_HEAD = """\
# The words that the mails of triage/corpus hold most often, most frequent first; made by tools/common_words.py.
# What is a common word, or looks like one, adds less to a passphrase than its letters (store.word_strength).
"""


def main() -> None:
    counted: Counter[str] = Counter()
    for path in sorted((TOP / "triage" / "corpus").rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            texts = json.loads(line)
            for part in ("subject", "body", "text"):
                counted.update(_WORD.findall((texts.get(part) or "").casefold()))
    ranked = sorted(counted, key=lambda word: (-counted[word], word))[:KEPT]
    (TOP / "store" / "common_words.txt").write_text(_HEAD + "\n".join(ranked) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
