"""
A Kubernetes cluster for development and tests, on any machine: kind where Docker answers, else one
real node in namespaces of its own.

Standard library only, since ``make`` calls it before anything is installed.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - make calls the python3 that it finds
    sys.exit("Python 3.11 or newer is missing: install it and put it on PATH as python3")
