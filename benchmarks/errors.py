"""Errors of the benchmarks."""


class CannotMeasure(Exception):
    """The benchmark cannot run. The text is one line, with the remedy."""


class MeasurementFailed(Exception):
    """One server failed one measurement; the benchmark continues."""
