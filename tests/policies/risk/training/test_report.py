"""Figures for people."""

from policies.risk.classifier import Thresholds
from policies.risk.training import figures, report
from policies.risk.training.measure import Figure, Slice
from tests.policies.risk.training.rows import scored

SLICE = Slice(
    "uses nothing of the host", 43, 2277, Figure(0.99, 0.98, 1.0), Figure(0.8, 0.7, 0.9), (Figure(0.5, 0.0, 1.0),) * 3
)


def test_a_table_fits_into_80_columns() -> None:
    text = report.heading() + report.line(SLICE)

    assert text == (
        "                         AUC        AP         recall at false alarms of\n"
        "  dangerous and benign                         0.1 %      1 %        5 %\n"
        "uses nothing of the host 0.990      0.800      0.500      0.500      0.500\n"
        "  43 and 2,277           0.98-1.00  0.70-0.90  0.00-1.00  0.00-1.00  0.00-1.00\n"
    )
    assert max(map(len, text.splitlines())) <= 80


def test_what_the_thresholds_do() -> None:
    assert list(report.border_lines(figures.gather(scored(), Thresholds(0.72, 0.95)))) == [
        "warn at 0.7200 and over: 75.0 % of the dangerous, 12.5 % of the benign\n",
        "  of those that use something of the host: 100.0 % of the dangerous, 12.5 % of the benign\n",
        "deny at 0.9500 and over: 25.0 % of the dangerous, 0.0 % of the benign\n",
        "  of those that use something of the host: 50.0 % of the dangerous, 0.0 % of the benign\n",
    ]


def test_a_page() -> None:
    found = figures.gather(scored(), Thresholds(0.72, 0.95))
    page = report.page("How good", "Of twenty rows.", found, [("roc.svg", "What is found")])

    assert page.startswith("# How good\n\nOf twenty rows.\n")
    assert "| all | 4 | 16 | 0.969 (" in page
    assert "| warn | 0.7200 | 75.00 % | 12.50 % | 100.00 % | 12.50 % |" in page
    assert "![What is found](roc.svg)" in page
    assert page == report.page("How good", "Of twenty rows.", found, [("roc.svg", "What is found")])
