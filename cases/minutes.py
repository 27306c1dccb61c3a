"""What a reporter answers to the minutes of what they said: they may check, rectify and agree to them by signing
(directive (EU) 2019/1937 art. 18(4))."""

from enum import StrEnum


class MinutesAnswer(StrEnum):
    APPROVED = "approved"
    CORRECTED = "corrected"  # approved, once some of it stands otherwise
