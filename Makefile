# make help lists the targets. Each sets up what it needs by itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup try demo test check generate verify bench cluster images down purge

CACHE := $(or $(SCHEDULED_REPORTS_CACHE),$(HOME)/.cache/scheduled-reports)
PY := .venv/bin/python
CLUSTER := PYTHONPATH=deploy/cluster PYTHONDONTWRITEBYTECODE=1 python3 -m report_cluster
# What make generate writes; make verify makes it anew elsewhere and compares.
GENERATED := charts/scheduled-reports/files/crds docs/reference.md docs/schema

help:  ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: .venv/.complete  ## make .venv, with srep in its bin

.venv/.complete: pyproject.toml uv.lock deploy/setup
	@deploy/setup "$(CACHE)"
	@touch $@

try: setup  ## in seconds, without a cluster: the samples, a mail catcher, the mail
	@$(PY) -m report_demo.try_it

demo: setup images  ## on a cluster: two reports from kubectl apply to the mail in the inbox
	@$(PY) -m report_demo.demo

test: setup check verify images  ## every test, on a real cluster
	@KUBECONFIG=$$($(CLUSTER) up) $(PY) -m pytest

check: setup  ## style, types and the arrows between the packages
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

generate: setup  ## write the files that are made from the types
	@$(PY) -m report_types.generate

verify: setup  ## fail if a generated file is not what make generate writes
	@fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; $(PY) -m report_types.generate "$$fresh"; \
	for made in $(GENERATED); do diff -ru "$$made" "$$fresh/$$made" || stale=yes; done; \
	if [ "$${stale:-}" ]; then echo "generated files are not current: make generate" >&2; exit 1; fi

bench: setup images  ## speed beside that of peers, in the same run
	@$(PY) tests/bench/run.py

cluster:  ## bring up a Kubernetes cluster and print the path of its kubeconfig
	@$(CLUSTER) up

images: cluster  ## build the images that changed and load them into the cluster
	@$(CLUSTER) images

down:  ## take the cluster away
	@$(CLUSTER) down

purge:  ## take the cluster and all that was built for it away
	@$(CLUSTER) purge
