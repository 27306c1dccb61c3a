"""Why there is no log-in. Each message is a sentence that says what to do, and holds no token and no secret."""


class AccessError(Exception):
    """We cannot log in by token."""


class NoToken(AccessError):
    """The provider gives no access token (now)."""


class NeedsAuthorisation(NoToken):
    """A person has to sign in, or do so again."""


class NoBearerMechanism(AccessError):
    """The mail server takes no tokens."""


class TokenRefused(AccessError):
    """The mail server refuses an access token."""
