"""What can go wrong between a mail and its understanding. None of these carries a word of the mail."""


class ReadError(Exception):
    """The mail could not be understood; it is kept whole."""


class CannotParse(ReadError):
    """The reader says that this is beyond its limits or not a mail; a second try will not help."""


class ReaderDied(ReadError):
    """The reader ended, or answered something that is not an answer."""


class ReaderTimedOut(ReadError):
    """The reader did not answer in time and was killed."""


class UnderstandingFailed(Exception):
    """The triage worker died, took too long or answered nonsense; the mail goes on without suggestions."""


class NurseryGone(Exception):
    """The nursery cannot start children (any more); it has to be started anew."""


class NotIsolated(Exception):
    """The kernel does not grant what the wanted isolation needs."""
