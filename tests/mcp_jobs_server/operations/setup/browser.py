"""A browser with a signed-in user: follows the redirects of the URL that it is given.

It starts before its caller listens for the last redirect, so it retries for a while.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request

PATIENCE_SECONDS = 20
PAUSE_SECONDS = 0.1


def main() -> None:
    """Open the address; each attempt gets a code, and the last one counts."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(sys.argv[1], timeout=PATIENCE_SECONDS).read()  # noqa: S310
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
