"""
A Kubernetes cluster for development and tests, on any machine: kind where Docker answers, else one
real node in namespaces of its own.

Standard library only, since ``make`` calls it before anything is installed.
"""
