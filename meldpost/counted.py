"""How many there are of something, as one says it."""


def counted(count: int, what: str) -> str:
    """`1 case`, `2 cases`, `0 cases`. `what`: one of them, of a kind whose plural takes an s."""
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def counted_were(count: int, what: str) -> str:
    """`1 case was`, `2 cases were`."""
    return f"{counted(count, what)} {'was' if count == 1 else 'were'}"
