"""Errors of the configuration; each message is a sentence for the administrator that says what to do."""


class ConfigError(Exception):
    """The configuration cannot be used; the message says what to change and carries no secret."""


class SecretMissing(ConfigError):
    """A secret that is needed was not found in the environment, the credentials directory or the secrets directory."""


class SecretExposed(ConfigError):
    """A secret file can be read by others than its owner."""
