"""The command ``mcp-jobs-server``. Imports little, because clients wait for ``serve`` to start."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from mcp_jobs_server.core.errors import JobsError

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: success (research: answered). 1: failed, cancelled or broken. 2: wrong usage. 3: a partial
    answer. 4: insufficient evidence. 130: interrupted. 141: the reader of the output closed it.
    """
    from mcp_jobs_server.cli.parser import complete, parse

    complete()
    args = parse(sys.argv[1:] if argv is None else argv)
    try:
        code = args.load()(args)
        sys.stdout.flush()
    except JobsError as error:
        from mcp_jobs_server.cli.output import print_error

        return print_error(error, as_json=getattr(args, "json", False))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_output()
        return BROKEN_PIPE
    return int(code)


def discard_output() -> None:
    """Redirect standard output to the null device, so that the final flush cannot fail."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
