"""The picture of `peers.py`: seconds over the number of states, and what a state takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peers import Line

INKS = {"modelcheck": "#0b5cad", "SPIN": "#b3541e", "Rumur": "#2b7a3d", "TLC": "#7a3b96"}
QUIET = "#5a5a5a"


def plot(lines: list[Line], ours: str, file: Path) -> None:
    """Both, side by side, as a PNG; written aside, then renamed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({
        "font.size": 11, "axes.edgecolor": QUIET, "axes.labelcolor": "#222222",
        "xtick.color": QUIET, "ytick.color": QUIET, "axes.spines.top": False,
        "axes.spines.right": False, "figure.facecolor": "white",
    })
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(11.5, 4.8), width_ratios=(2.4, 1), layout="constrained"
    )
    _seconds(left, lines, ours)
    _bytes(right, lines, ours)
    aside = file.with_suffix(".aside.png")
    figure.savefig(aside, dpi=110)
    aside.replace(file)


def _short(number: float) -> str:
    """Two digits at least."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _tools(lines: list[Line]) -> list[str]:
    return [t for t in dict.fromkeys(line.tool for line in lines) if t in INKS]


def _seconds(axes: Any, lines: list[Line], ours: str) -> None:
    """Each peer's line with its name at the end, and how many times ours it takes there; ours with
    its seconds."""
    for tool in _tools(lines):
        points = [line for line in lines if line.tool == tool]
        axes.loglog(
            [p.states for p in points], [p.seconds for p in points], marker="o", color=INKS[tool],
            linewidth=2.6 if tool == ours else 1.8, markersize=6, zorder=3 if tool == ours else 2,
        )
        if tool != ours:
            last = points[-1]
            axes.annotate(
                f"{tool}  {_short(last.slower)}x", (last.states, last.seconds), xytext=(8, 4),
                textcoords="offset points", va="center", color=INKS[tool], fontsize=10.5,
            )
    own = [line for line in lines if line.tool == ours]
    between = [math.sqrt(a * b) for a, b in zip(
        (own[0].states, own[0].seconds), (own[1].states, own[1].seconds), strict=True
    )] if len(own) > 1 else [own[0].states, own[0].seconds]
    axes.annotate(
        ours, between, xytext=(0, -9), textcoords="offset points", ha="center", va="top",
        color=INKS[ours], fontweight="bold",
    )
    for point in own:
        axes.annotate(
            f"{_short(point.seconds)} s",
            (point.states, point.seconds), xytext=(7, -9), textcoords="offset points",
            ha="left", va="center", color=INKS[ours], fontsize=10,
        )
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * 1.6)
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom / 1.6, top)
    axes.set_title("The same states: processor seconds, compiler included", loc="left", fontsize=12)
    axes.set_xlabel("states")
    axes.set_ylabel("processor seconds")
    axes.grid(True, which="major", color="#e6e6e6")
    axes.set_axisbelow(True)


def compared_last(lines: list[Line], ours: str) -> list[Line]:
    """The lines of the largest size that a peer was asked."""
    sizes = [line.size for line in lines if line.tool in INKS and line.tool != ours]
    size = sizes[-1] if sizes else lines[-1].size
    return [line for line in lines if line.size == size and line.tool in INKS]


def _bytes(axes: Any, lines: list[Line], ours: str) -> None:
    """A bar each."""
    there = compared_last(lines, ours)
    axes.barh(
        [line.tool for line in there], [line.each for line in there],
        color=[INKS[line.tool] for line in there], height=0.55,
    )
    for line in there:
        times = "" if line.tool == ours else f"  ({_short(line.larger)}x)"
        axes.annotate(
            f"{_short(line.each)}{times}",
            (line.each, line.tool), xytext=(5, 0), textcoords="offset points", va="center",
            color=INKS[line.tool], fontweight="bold" if line.tool == ours else "normal",
        )
    axes.invert_yaxis()
    axes.set_xlim(0, max(line.each for line in there) * 1.55)
    axes.tick_params(axis="y", length=0, labelcolor="#222222")
    axes.set_title(f"Bytes a state, of {there[0].states:,}", loc="left", fontsize=12)
    axes.set_xlabel("peak of the largest process / states")
    axes.grid(True, axis="x", color="#e6e6e6")
    axes.set_axisbelow(True)
