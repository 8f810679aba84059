"""The picture in the README and docs/benchmarks.md, readable on a light and on a dark page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.results import Result, Results, figure
from benchmarks.servers import KINDS

INK = "#7d8590"  # a grey that can be read on white and on black
COLOURS = {"lobby": "#2f9e6e", "tutorial": "#d9703f", "socketio": "#5b8def", "bare": "#9a8fb8"}

# How much of a group's place its bars take.
WIDTH = 0.8

# By name of a group: the results of each server.
Groups = Mapping[str, Sequence[Sequence[Result]]]


def draw(
    path: Path, results: Results, servers: Sequence[str], tabs: Sequence[int], in_flight: Sequence[int]
) -> None:
    """CPU per delivered message, by tabs and by messages in flight, and memory per connection."""
    few, one = tabs[0], in_flight[0]
    by_tabs = {f"{size:,} tabs": [results.delivering(s, size, one) for s in servers] for size in tabs}
    by_flight = {f"{n} in flight": [results.delivering(s, few, n) for s in servers] for n in in_flight}
    idle = {f"{size:,} tabs": [results.connecting(s, size) for s in servers] for size in tabs}
    style()
    from matplotlib import pyplot

    whole, panels = pyplot.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    bars(panels[0], f"CPU per delivered message (µs, log), {one} in flight", by_tabs, "cpu_us", servers)
    bars(panels[1], f"the same, {few:,} tabs", by_flight, "cpu_us", servers)
    bars(panels[2], "memory per idle connection (KiB)", idle, "memory_kib", servers)
    for panel in panels[:2]:
        panel.set_yscale("symlog", linthresh=1)  # they are far apart
    for panel in panels:
        panel.set_yticks([])
        panel.yaxis.minorticks_off()
        panel.margins(y=0.1)
    whole.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    whole.savefig(path, transparent=True, metadata={"Date": None})


def style() -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rc("svg", fonttype="none", hashsalt="lobby")
    mpl.rc("font", size=9)
    mpl.rc("text", color=INK)
    mpl.rc("xtick", color=INK)
    mpl.rc("ytick", color=INK)
    mpl.rc("axes", edgecolor=INK, labelcolor=INK, titlesize=10)
    mpl.rc("axes.spines", top=False, right=False)


def bars(panel, title: str, groups: Groups, name: str, servers: Sequence[str]) -> None:
    """For each group a bar of every server."""
    width = WIDTH / len(servers)
    for place, server in enumerate(servers):
        left = [number - WIDTH / 2 + (place + 0.5) * width for number in range(len(groups))]
        values = [figure(results[place], name) for results in groups.values()]
        heights = [value or 0 for value in values]
        drawn = panel.bar(left, heights, width * 0.9, color=COLOURS[server], label=KINDS[server].title)
        labels = ["breaks" if value is None else f"{value:.0f}" for value in values]
        panel.bar_label(drawn, labels, fontsize=7, color=INK, padding=2)
    panel.set_xticks(range(len(groups)), list(groups))
    panel.set_title(title)
