"""Tables of what was measured, and whether goals are reached."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks.reduction.case import LIMIT, OURS, Goal, Group
from benchmarks.reduction.comparing import Figures
from benchmarks.reduction.measuring import Sample

__all__ = ["least", "median", "missed", "reached", "table"]

Choice = Callable[[list[float]], float]


def median(values: list[float]) -> float:
    return statistics.median(values)


def least(values: list[float]) -> float:
    return min(values)


def reached(goal: Goal, samples: dict[str, list[Sample]], choose: Choice) -> float | None:
    """How many times as fast as the goal's case ours is; ``None`` where one of the two is not there."""
    walls = {name: choose([sample.wall for sample in some]) for name, some in samples.items() if some}
    limits = [wall for name, wall in walls.items() if name.startswith(LIMIT)]
    theirs = min(limits, default=None) if goal.case == LIMIT else walls.get(goal.case)
    return theirs / walls[OURS] if theirs is not None and OURS in walls else None


def missed(group: Group, figures: Figures, share: float) -> list[str]:
    """The goals of which not even a share is reached; by the least times, which a busy machine disturbs least."""
    found = []
    for goal in group.goals:
        ratio = reached(goal, figures.kept, least)
        if ratio is not None and ratio < goal.ratio * share:
            found.append(f"{group.name}: {ratio:.2f} times {goal.case}, at least {goal.ratio * share:g} is wanted")
    return found


def table(group: Group, figures: Figures) -> list[str]:
    """Rows of Markdown: what each case took, and how much faster ours is."""
    per = f"ms/{group.unit}"
    lines = [
        f"| {group.title} | {per}, median (least) | CPU {per} | peak (MB) | ours is faster | new process |",
        "|---|---|---|---|---|---|",
    ]
    ours = median([sample.wall for sample in figures.kept[OURS]]) if OURS in figures.kept else None
    for case in group.cases:
        samples = figures.kept.get(case.name)
        if not samples:
            if case.name in figures.missing:
                lines.append(f"| {case.name} | not installed ({figures.missing[case.name]}) | | | | |")
            continue
        walls, scale = [sample.wall for sample in samples], 1000 * group.per
        cpu, peak = median([sample.cpu for sample in samples]), max(sample.peak for sample in samples)
        new = [sample.wall for sample in figures.fresh.get(case.name, [])]
        ratio = "" if ours is None or case.name == OURS else f"{median(walls) / ours:.2f} ×"
        if ours is not None and case.name.startswith(LIMIT):
            ratio = f"{100 * median(walls) / ours:.0f} % of it"
        lines.append(
            f"| {case.name} | {scale * median(walls):.3g} ({scale * least(walls):.3g}) | {scale * cpu:.3g} | "
            f"{peak / 1e6:.0f} | {ratio} | {f'{scale * median(new):.3g}' if new else ''} |"
        )
    for goal in group.goals:
        by_median, by_least = (reached(goal, figures.kept, choose) for choose in (median, least))
        if by_median is not None and by_least is not None:
            word = "reached" if by_median >= goal.ratio else "missed"
            lines.append(
                f"\nGoal {goal.ratio:g} of {goal.case}: {by_median:.2f} ({by_least:.2f} by the least), {word}."
            )
    return lines
