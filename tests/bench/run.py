"""
The figures, side by side with a peer in the same run: ``make bench``.

Every pair is measured in turn (A B A B …) on the same node, and the ratio of the medians is what
counts: times on a shared machine drift, ratios much less. API requests are counted from the API
server's audit log.
"""

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "support")]
from product import Product, installed  # noqa: E402


@dataclass(frozen=True)
class Figure:
    """One measured value and what it should be at most."""

    name: str
    value: float
    most: float
    unit: str = ""

    def __str__(self) -> str:
        word = "ok  " if self.value <= self.most else "MISS"
        return f"{word} {self.name:<64} {self.value:8.2f} {self.unit:<4} (at most {self.most:g})"


def time_to_mail(product: Product, rounds: int) -> list[Figure]:
    """Compare a whole small report with a bare Job that imports pandas, create to Complete."""
    product.report("bench")
    product.bare_job("warm-bare")
    product.report_job("bench", "warm-report")
    bare, mailed, complete = [], [], []
    for number in range(rounds):
        bare.append(product.bare_job(f"bare-{number}"))
        to_mail, to_complete = product.report_job("bench", f"report-{number}")
        mailed.append(to_mail)
        complete.append(to_complete)
        print(f"  bare {bare[-1]:.2f} s, mail {to_mail:.2f} s, Job {to_complete:.2f} s", flush=True)
    base = statistics.median(bare)
    return [
        Figure("bare `import pandas` Job, create to Complete", base, 60, "s"),
        Figure("report, Job created to mail accepted", statistics.median(mailed), 60, "s"),
        Figure("mail accepted / bare Job Complete", statistics.median(mailed) / base, 0.5),
        Figure(
            "report's Job Complete / bare Job Complete", statistics.median(complete) / base, 1.3
        ),
    ]


def requests(product: Product, reports: int) -> list[Figure]:
    """Count the operator's requests for each report that is made, changed, kept, deleted."""
    names = [f"many-{number}" for number in range(reports)]
    product.report("first")  # the namespace's own account and role come with its first report
    steps = {
        "created": (lambda: product.reports(names), 2.0),
        "changed": (lambda: product.reports(names, script="result = data.head(2)"), 2.0),
        "kept over a restart of the operator": (product.restart_operator, 0.0),
        "deleted": (lambda: product.delete_reports(names), 0.0),
    }
    figures = []
    for step, (act, most) in steps.items():
        since = product.audit_position()
        act()
        time.sleep(5)
        count = product.operator_requests(since)
        figures.append(Figure(f"operator's requests per report {step}", count / reports, most))
    return figures


def main() -> int:
    """Print the figures; the exit code is 1 if one is worse than it should be."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7, help="pairs of runs that are timed")
    options.add_argument("--reports", type=int, default=50, help="reports whose requests count")
    chosen = options.parse_args()
    with installed() as product:
        memory = product.operator_memory()
        figures = [
            Figure("operator's memory when idle", memory, 64, "MiB"),
            *time_to_mail(product, chosen.rounds),
            *requests(product, chosen.reports),
        ]
    print(*figures, sep="\n")
    return 0 if all(figure.value <= figure.most for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
