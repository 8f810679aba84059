"""Chart in docs/benchmarks.md, readable on a light and on a dark page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.results import Result, Results, figure
from benchmarks.servers import KINDS

INK = "#7d8590"  # a grey that is readable on white and on black
COLOURS = {"lobby": "#2f9e6e", "tutorial": "#d9703f", "socketio": "#5b8def", "bare": "#9a8fb8"}

# The share of a group's width that its bars take.
BARS_WIDTH = 0.8

# The results of each server, by the group's name.
Groups = Mapping[str, Sequence[Sequence[Result]]]


def draw(
    path: Path, results: Results, servers: Sequence[str], tabs: Sequence[int], in_flight: Sequence[int]
) -> None:
    """Draw CPU per delivered message, by tabs and by messages in flight, and memory per connection."""
    few, one = tabs[0], in_flight[0]
    by_tabs = {f"{size:,} tabs": [results.fanout(s, size, one) for s in servers] for size in tabs}
    by_flight = {f"{n} in flight": [results.fanout(s, few, n) for s in servers] for n in in_flight}
    idle = {f"{size:,} tabs": [results.connections(s, size) for s in servers] for size in tabs}
    set_style()
    from matplotlib import pyplot

    whole, panels = pyplot.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    draw_bars(panels[0], f"CPU per delivered message (µs, log), {one} in flight", by_tabs, "cpu_us", servers)
    draw_bars(panels[1], f"the same, {few:,} tabs", by_flight, "cpu_us", servers)
    draw_bars(panels[2], "memory per idle connection (KiB)", idle, "memory_kib", servers)
    for panel in panels[:2]:
        panel.set_yscale("symlog", linthresh=1)  # the values are far apart
    for panel in panels:
        panel.set_yticks([])
        panel.yaxis.minorticks_off()
        panel.margins(y=0.1)
    whole.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    whole.savefig(path, transparent=True, metadata={"Date": None})


def set_style() -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rc("svg", fonttype="none", hashsalt="lobby")
    mpl.rc("font", size=9)
    mpl.rc("text", color=INK)
    mpl.rc("xtick", color=INK)
    mpl.rc("ytick", color=INK)
    mpl.rc("axes", edgecolor=INK, labelcolor=INK, titlesize=10)
    mpl.rc("axes.spines", top=False, right=False)


def draw_bars(panel, title: str, groups: Groups, name: str, servers: Sequence[str]) -> None:
    """Draw a bar of every server for each group."""
    width = BARS_WIDTH / len(servers)
    for position, server in enumerate(servers):
        left = [number - BARS_WIDTH / 2 + (position + 0.5) * width for number in range(len(groups))]
        values = [figure(results[position], name) for results in groups.values()]
        heights = [value or 0 for value in values]
        drawn = panel.bar(left, heights, width * 0.9, color=COLOURS[server], label=KINDS[server].title)
        labels = ["breaks" if value is None else f"{value:.0f}" for value in values]
        panel.bar_label(drawn, labels, fontsize=7, color=INK, padding=2)
    panel.set_xticks(range(len(groups)), list(groups))
    panel.set_title(title)
