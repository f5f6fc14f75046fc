"""``python -m reportgen``, and what the command ``reportgen`` starts."""

import sys


def run() -> int:
    """Run a command and return its exit code; Ctrl-C counts from the first moment."""
    try:
        from reportgen.cli.main import main
    except KeyboardInterrupt:
        sys.stderr.write("reportgen: interrupted\n")
        return 130
    return main()


if __name__ == "__main__":
    raise SystemExit(run())
