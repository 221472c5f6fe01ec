"""Web pages from a real server on loopback: limits, robots, redirects and private addresses."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest

from researcher_job.sources.document import Reason
from researcher_job.sources.services.base import MAX_PAGE, Page, ServiceFailed
from researcher_job.sources.services.pages import read_page
from researcher_job.sources.web_pages.addresses import is_open
from researcher_job.sources.web_pages.pages import WebPages
from tests.researcher_job.sources.web_pages.site import Site, served


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as found:
        yield found


def opened(address: str, *, seconds: float = 10.0, loopback: bool = True) -> Page:
    """Return the page at ``address``."""

    async def one() -> Page:
        pages = WebPages(seconds=seconds, loopback=loopback)
        try:
            return await pages.open(address)
        finally:
            await pages.close()

    return anyio.run(one)


def reason(address: str, *, seconds: float = 10.0, loopback: bool = True) -> Reason:
    """Return why the page at ``address`` is not read."""
    with pytest.raises(ServiceFailed) as failed:
        opened(address, seconds=seconds, loopback=loopback)
    return failed.value.reason


def test_the_main_text_is_read_with_its_headings(site: Site) -> None:
    page = read_page(opened(f"{site.url}/fees"), "web")
    quote = next(one for one in page.passages if "12 euro" in one.text)
    assert quote.title == "Fees of the harbour"
    assert quote.locator == "Fees > Berths"
    assert quote.uri == f"{site.url}/fees"
    text = page.document.text
    assert "99 euro" not in text  # nobody sees it
    assert "Imprint" not in text
    assert site.hosts == [site.url.removeprefix("http://")] * 2


@pytest.mark.parametrize(
    ("path", "words"), [("/notes.txt", "Gebühr beträgt"), ("/packed", "12 euro")]
)
def test_encodings_are_read(site: Site, path: str, words: str) -> None:
    assert words in opened(site.url + path).text


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/nowhere", Reason.NOT_FOUND),
        ("/picture", Reason.NO_TEXT_PAGE),
        ("/endless", Reason.LARGE_PAGE),
        ("/bomb", Reason.LARGE_PAGE),
        ("/round", Reason.CALL_FAILED),
        ("/to?there=file:///etc/passwd", Reason.CALL_FAILED),
        ("/to?there=ftp://127.0.0.1/x", Reason.CALL_FAILED),
        ("/to?there=http://10.0.0.1/private", Reason.PRIVATE),
        ("/to?there=http://169.254.169.254/latest/meta-data/", Reason.PRIVATE),
        ("/to?there=http://[::ffff:10.0.0.1]/", Reason.PRIVATE),
        ("/to?there=http://2130706433/", Reason.PRIVATE),
    ],
)
def test_a_page_that_is_not_read_says_why(site: Site, path: str, why: Reason) -> None:
    if "2130706433" in path:
        assert reason("http://2130706433/", loopback=False) == why  # 127.0.0.1 as a number
    else:
        assert reason(site.url + path) == why


def test_a_page_that_goes_on_and_on_ends_in_time(site: Site) -> None:
    assert reason(f"{site.url}/slow", seconds=1) == Reason.CALL_FAILED


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_is_not_read_unless_that_is_allowed(site: Site, host: str) -> None:
    assert reason(f"http://{host}:{site.server_port}/fees", loopback=False) == Reason.PRIVATE
    assert site.asked == []


@pytest.mark.parametrize(
    ("robots", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /fees\n", "/fees", False),
        ("User-agent: *\nDisallow: /\nAllow: /notes\n", "/notes.txt", True),
        ("User-agent: researcher-job\nDisallow: /\n", "/notes.txt", False),
        ("User-agent: other\nDisallow: /\n", "/fees", True),
        (503, "/fees", False),
        (403, "/fees", True),
    ],
)
def test_robots_are_respected(site: Site, robots: str | int, path: str, allowed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    site.robots = robots
    if allowed:
        assert opened(site.url + path).text
    else:
        assert reason(site.url + path) == Reason.ROBOTS
        assert site.pages == []


def test_robots_of_the_site_that_a_redirect_leads_to_are_respected(site: Site) -> None:
    with served() as other:
        other.robots = "User-agent: *\nDisallow: /\n"
        assert reason(f"{site.url}/to?there={other.url}/fees") == Reason.ROBOTS
        assert other.pages == []


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1"),
        *("127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:192.168.1.1"),
        *("64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::1", "nonsense"),
    ],
)
def test_private_addresses_are_closed(address: str) -> None:
    assert not is_open(address, loopback=False)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e"]
)
def test_public_addresses_are_open(address: str) -> None:
    assert is_open(address, loopback=False)


def test_a_long_page_is_cut() -> None:
    page = Page(address="https://a.example", text="one two three. " * 60_000, media="text/plain")
    read = read_page(page, "web")
    assert len(read.document.text) <= MAX_PAGE
    assert read.document.gaps == ("cut after 400,000 characters",)
