"""
The entry of the container ``script``: starts the child at once, then serves one job over a socket.

``python -I -m report_runner.script_host [--socket PATH] [--input DIR] [--output DIR]``

It ends with 0 after service, whatever became of the script: how the run went is for ``runner`` to
say. 75 means that no runner ever listened.
"""

import sys

from report_runner.script_process import ChildProcess


def main() -> int:
    """Serve one job; return the exit code."""
    child = ChildProcess()
    try:
        # Imported only now: the child imports pandas meanwhile, which takes longest of all.
        from report_runner.script_supervisor import supervise

        return supervise(child, sys.argv[1:])
    finally:
        child.kill()


if __name__ == "__main__":
    sys.exit(main())
