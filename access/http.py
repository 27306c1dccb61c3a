"""The line to a provider: bounded in time, verified, and never led elsewhere."""

from pathlib import Path
from typing import Any

import requests


class Session(requests.Session):
    """Follows no redirect (a secret would go along with it), and trusts `ca_file` alone where that is given."""

    def __init__(self, timeout: int, ca_file: Path | None) -> None:
        super().__init__()
        self._timeout = timeout
        self._ca_file = ca_file

    def request(self, method: Any, url: Any, *arguments: Any, **options: Any) -> requests.Response:
        options |= {"timeout": self._timeout, "allow_redirects": False}
        if self._ca_file is not None:  # said with each request: the environment overrides what a session says
            options["verify"] = str(self._ca_file)
        return super().request(method, url, *arguments, **options)
