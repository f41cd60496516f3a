"""Ordinary analysts' scripts run inside the walls, and come to what they come to without."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from report_runner.script_job import SourceFile
from script_runs import FACTS, run_script

ORDERS = "id,customer,city,amount,ordered\n" + "".join(
    f"{n},c{n % 7},{'Bonn' if n % 3 else 'Köln'},{n * 1.25},"
    f"2026-0{1 + n % 3}-1{n % 9}T0{n % 9}:30:00Z\n"
    for n in range(500)
)
CUSTOMERS = "customer,name\n" + "\n".join(f"c{n}, Name {n} " for n in range(7)) + "\n"

WORKLOADS = {
    "groupby": "result = data.groupby('city', as_index=False)['amount'].agg(['sum', 'mean'])",
    "merge": """
        customers = sources["customers"]
        result = data.merge(customers, on="customer", how="left")
        result = result.groupby("name", as_index=False)["amount"].max()
    """,
    "pivot": """
        data["month"] = data["ordered"].str.slice(0, 7)
        result = data.pivot_table(index="month", columns="city", values="amount", aggfunc="sum")
        result = result.reset_index()
    """,
    "resample": """
        data["ordered"] = pd.to_datetime(data["ordered"])
        result = data.set_index("ordered").resample("W")["amount"].sum().reset_index()
    """,
    "rolling": """
        data["smooth"] = data["amount"].rolling(7, min_periods=1).mean()
        result = data[["id", "smooth"]]
    """,
    "strings": r"""
        names = sources["customers"]["name"].str.strip().str.upper()
        result = pd.DataFrame({"name": names, "digit": names.str.extract(r"(\d+)", expand=False)})
    """,
    "time zones": """
        when = pd.to_datetime(data["ordered"]).dt.tz_convert("America/New_York")
        result = pd.DataFrame({"day": when.dt.day_name(), "hour": when.dt.hour})
        result = result.value_counts().reset_index()
    """,
    "zoneinfo": """
        from datetime import datetime
        from zoneinfo import ZoneInfo
        moment = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Asia/Kolkata"))
        result = moment.astimezone(ZoneInfo("Australia/Sydney")).isoformat()
    """,
    "linear algebra": """
        matrix = np.vander(np.linspace(0.1, 1, 6))
        values = np.linalg.eigvals(matrix @ matrix.T)
        result = pd.DataFrame(np.linalg.inv(matrix).round(3))
        result["eigen"] = np.sort(values.real).round(6)
    """,
    "random numbers": """
        result = pd.DataFrame({"x": np.random.default_rng(7).normal(size=10)})
    """,
    "categories and quantiles": """
        data["size"] = pd.cut(data["amount"], 4, labels=["s", "m", "l", "xl"])
        result = data.groupby("size", observed=True)["amount"].quantile([0.1, 0.9]).reset_index()
    """,
    "query and eval": """
        limit = 300
        result = data.query("amount > @limit and city == 'Bonn'").eval("double = amount * 2")
    """,
    "apply and lambdas": """
        result = data.assign(tax=data.apply(lambda row: round(row["amount"] * 0.19, 2), axis=1))
    """,
    "reshape": """
        wide = data.head(20).melt(id_vars=["id"], value_vars=["amount", "city"])
        result = pd.concat([wide, wide.tail(3)], ignore_index=True).sort_values(["id", "variable"])
    """,
    "the standard library": """
        import calendar, collections, decimal, hashlib, itertools, json, math, re, statistics
        import sqlite3
        database = sqlite3.connect(":memory:")
        data.to_sql("orders", database, index=False)
        result = pd.read_sql("select city, count(*) as n from orders group by city", database)
        result["digest"] = [hashlib.sha256(c.encode()).hexdigest()[:8] for c in result["city"]]
    """,
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(4) as pool:
            result = pd.DataFrame({"n": list(pool.map(lambda n: n * n, range(20)))})
    """,
    "files in memory": """
        import gzip, io, zipfile
        packed = gzip.compress(data.to_csv(index=False).encode())
        result = pd.read_csv(io.BytesIO(packed), compression="gzip")
    """,
}


def _dedent(script: str) -> str:
    lines = script.strip("\n").splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[margin:] for line in lines)


@pytest.mark.parametrize("script", WORKLOADS.values(), ids=WORKLOADS.keys())
def test_ordinary_work_comes_to_the_same_inside_the_walls(script: str) -> None:
    ran = run_script(
        _dedent(script),
        files={"data.csv": ORDERS, "customers.csv": CUSTOMERS},
        sources=_sources("data", "customers"),
    )

    assert ran.failure is None, ran.log
    assert ran.result is not None
    assert ran.result.walls.confined
    assert _computed_here(script) == ran.csv


def test_print_reaches_the_log_and_not_the_result() -> None:
    ran = run_script("print(data)\nprint('sum', data.amount.sum())\nresult = data.head(1)")

    assert "category,amount\nfruit,3\n" == ran.csv
    assert "1    bread       4" in ran.log
    assert "sum 12" in ran.log


def test_script_sees_data_sources_params_run_pd_and_np() -> None:
    script = """
        assert data is sources["data"]
        result = pd.DataFrame({
            "minimum": [params["minimum"]], "run": [run.name], "report": [run.report],
            "namespace": [run.namespace], "time": [run.scheduled_time.isoformat()],
            "date": [run.date], "zone": [run.time_zone], "trigger": [run.trigger],
            "np": [np.int64(1).dtype.name],
        })
    """
    ran = run_script(_dedent(script), params={"minimum": 3})

    expected = (
        f"3,{FACTS.name},daily-sales,shop,2026-03-02T09:30:00+01:00,2026-03-02,"
        "Europe/Berlin,Schedule,int64\n"
    )
    assert expected == ran.csv.split("\n", 1)[1]


def test_data_is_the_only_source_whatever_its_name() -> None:
    ran = run_script(
        "result = data", files={"s.csv": "a\n1\n"}, sources=_sources("sales", file="s.csv")
    )

    assert "a\n1\n" == ran.csv


def test_a_million_rows_pass_within_the_default_memory() -> None:
    script = """
        n = 1_000_000
        big = pd.DataFrame({"k": np.arange(n) % 1000, "v": np.arange(n) / 7})
        result = big.groupby("k", as_index=False)["v"].sum()
    """
    ran = run_script(_dedent(script))

    assert 1001 == ran.csv.count("\n"), ran.failure


def test_large_file_is_read_by_one_thread_in_little_memory() -> None:
    """
    8 MB of CSV, over the size from which pandas reads with a thread for each of the node's CPUs.
    """
    rows = "".join(f"{n},name {n % 50},{n / 7}\n" for n in range(300_000))
    ran = run_script(
        "assert pd.get_option('mode.max_threads') == 1\nresult = len(data)",
        files={"data.csv": "id,name,value\n" + rows},
        sources=_sources("data"),
    )

    assert "result\n300000\n" == ran.csv, ran.failure


def _sources(*names: str, file: str = "") -> tuple[SourceFile, ...]:
    return tuple(SourceFile(name=name, file=file or f"{name}.csv") for name in names)


def _computed_here(script: str) -> str:
    """What the script comes to in this process, without any sandbox."""
    sources = {
        "data": pd.read_csv(io.StringIO(ORDERS)),
        "customers": pd.read_csv(io.StringIO(CUSTOMERS)),
    }
    names: dict[str, Any] = {"data": sources["data"], "sources": sources, "pd": pd, "np": np}
    exec(compile(_dedent(script), "<here>", "exec"), names)
    result = names["result"]
    frame = result if isinstance(result, pd.DataFrame) else pd.DataFrame({"result": [result]})
    return frame.to_csv(index=False)
