"""What programs print, as one compares it: without frames, line breaks and repeated spaces."""

FRAME = str.maketrans(dict.fromkeys("│╭╮╰╯─", " "))


def plain(text: str) -> str:
    """Return a text as one line, as it would stand without a frame around it."""
    return " ".join(text.translate(FRAME).split())


def assert_says(text: str, *parts: str) -> None:
    """Fail unless a text, frame or not, has all of these parts."""
    found = plain(text)
    for part in parts:
        assert plain(part) in found, f"{part!r} is not in {found!r}"
