"""What it costs to know what a report is."""

import subprocess
import sys


def test_who_only_carries_reports_about_does_not_load_the_models() -> None:
    code = "import sys, triage; triage.Report; print(sorted({'spacy', 'sklearn', 'scipy', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
