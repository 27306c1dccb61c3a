import subprocess
import sys
from pathlib import Path


def test_the_demo_takes_all_in_delivers_all_receipts_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "meldpost", "demo", "--once"],
        capture_output=True, text=True, timeout=400, check=False,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "COLUMNS": "200", "LANG": "C.UTF-8"},
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "39 mails came in, 39 are taken in, as 37 cases" in done.stdout
    assert "0 wait, 1 held, 0 failed" in done.stdout
    assert "http://127.0.0.1:" in done.stdout
    assert list(tmp_path.iterdir()) == []
