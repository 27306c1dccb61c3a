"""A Dovecot that lets in by access token, and asks the provider of the test whose it is."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.settings import MailboxSettings
from tests.access.endpoint import Endpoint, running_endpoint
from tests.ingest.conftest import BY_PASSWORD, Dovecot, running_dovecot
from tests.system.certificates import make_certificates

BY_TOKEN = """
auth_mechanisms = plain login {mechanisms}
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {file}
}}
"""
INTROSPECTION = """
introspection_mode = post
introspection_url = {endpoint.introspection_url}
tls_ca_cert_file = {endpoint.certificates.ca}
username_attribute = username
active_attribute = active
active_value = true
"""


@contextmanager
def endpoint_for_dovecot() -> Iterator[Endpoint]:
    folder = Path(tempfile.mkdtemp(prefix="provider-", dir="/tmp"))  # where Dovecot's users can get to
    folder.chmod(0o755)
    try:
        with running_endpoint(make_certificates(folder)) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_dovecot_by_token(endpoint: Endpoint, mechanisms: str) -> Iterator[Dovecot]:
    """It takes passwords too, so that a test can look into a mailbox as a mail program would."""
    file = endpoint.certificates.ca.parent / "dovecot-oauth2.conf.ext"
    file.write_text(INTROSPECTION.format(endpoint=endpoint))
    passwords = BY_PASSWORD.replace("auth_mechanisms = plain login", "")
    with running_dovecot(log_in=BY_TOKEN.format(mechanisms=mechanisms, file=file) + passwords) as server:
        yield server


def by_token(server: Dovecot, endpoint: Endpoint, **more: Any) -> MailboxSettings:
    return server.account(security="tls", port=server.tls_port, ca_file=server.ca, oauth=endpoint.oauth(**more))
