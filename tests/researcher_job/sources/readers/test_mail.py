"""Every text of an e-mail is read, and messages inside it are told from its own."""

from __future__ import annotations

import pytest

from researcher_job.sources.document import Unreadable
from researcher_job.sources.readers.mail.message import read
from tests.researcher_job.files import places as places_of

PLAIN = "Content-Type: text/plain\n\nThe otter."
HTML = "Content-Type: text/html\n\n<p>The heron.</p>"
PICTURE = "Content-Type: image/png\nContent-Disposition: inline; filename=a.png\n\nx"


def several(kind: str, *parts: str) -> str:
    """Put ``parts`` together; the boundary is long where they are, so that none is another's."""
    line = f"b{len(''.join(parts))}"
    return (
        f"Content-Type: multipart/{kind}; boundary={line}\n\n"
        + "".join(f"--{line}\n{part}\n" for part in parts)
        + f"--{line}--\n"
    )


def message(subject: str, content: str) -> str:
    return f"From: a@example.org\nSubject: {subject}\nMIME-Version: 1.0\n{content}"


def places(content: str) -> list[tuple[str, str]]:
    """Return locator and words of what stands below the headers of the outer message."""
    document = read(message("Outer", content).encode(), "a.eml")
    return places_of(document)[1:]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (several("mixed", HTML, PLAIN), ["The heron.", "The otter."]),
        (several("alternative", PLAIN, HTML), ["The otter."]),
        (several("alternative", PLAIN.replace("The otter.", " "), HTML), ["The heron."]),
        (several("alternative", PLAIN, several("related", HTML, PICTURE)), ["The otter.", "a.png"]),
        (several("mixed", several("alternative", PLAIN, HTML), HTML), ["The otter.", "The heron."]),
    ],
)
def test_only_of_alternatives_one_is_read(content: str, said: list[str]) -> None:
    found = [text.removeprefix("Attached: ") for _, text in places(content)]
    assert found == said


def test_messages_inside_are_read_as_such() -> None:
    def attached(inner: str) -> str:
        return f"Content-Type: message/rfc822\nContent-Disposition: attachment\n\n{inner}"

    deepest = message("Deepest", several("mixed", PLAIN, PICTURE))
    inner = message("Inner", several("mixed", HTML, attached(deepest)))
    content = several("mixed", PLAIN, attached(inner), attached(message("Second", PLAIN)))
    first = "attached message 1, "
    head = "From: a@example.org"
    assert places(content) == [
        ("Subject: Outer, mail text", "The otter."),
        (f"Subject: Inner, {first}mail header", head),
        (f"Subject: Inner, {first}mail text", "The heron."),
        (f"Subject: Deepest, {first}{first}mail header", head),
        (f"Subject: Deepest, {first}{first}mail text", "The otter."),
        (
            f"Subject: Deepest, {first}{first}mail attachments",
            "Attached: a.png",
        ),
        ("Subject: Second, attached message 2, mail header", head),
        ("Subject: Second, attached message 2, mail text", "The otter."),
    ]


def test_a_mail_of_too_many_parts_is_refused() -> None:
    with pytest.raises(Unreadable, match="takes too long"):
        places(several("mixed", *[PLAIN] * 1_001))
