"""The bar that says what a command is doing: its step, and how much of it is done."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

#: Seconds before it is seen: a command that ends at once shows none.
_PAUSE = 0.3

_TIMES_A_SECOND = 5

#: Of the bar itself; the longest step beside it has 20 letters.
_WIDTH = 30


class _Count(ProgressColumn):
    """How many of how many, how quickly, and the time left; of a step without a count the seconds."""

    def render(self, task: Task) -> Text:
        """The text of the column."""
        if task.total is None:
            return Text(f"{task.elapsed or 0:.0f} s")
        speed, left = task.speed, task.time_remaining
        rate = f"  {speed:.1f}/s" if speed else ""
        remaining = "" if left is None else f"  {left // 60:.0f}:{left % 60:02.0f} left"
        return Text(f"{task.completed:.0f}/{task.total:.0f}{rate}{remaining}")


class _Lines(Progress):
    """One line, which is not there at first."""

    def __init__(self, *columns: ProgressColumn, console: Console) -> None:
        self._made = time.monotonic()
        super().__init__(
            *columns,
            console=console,
            transient=True,
            redirect_stdout=False,
            refresh_per_second=_TIMES_A_SECOND,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """The line, after the pause."""
        if time.monotonic() - self._made > _PAUSE:
            yield from super().get_renderables()


class Bar:
    """A bar on stderr from its making until :meth:`end`."""

    def __init__(self, step: str) -> None:
        self.console = Console(stderr=True)
        self._step = step
        self._lines = _Lines(
            *(TextColumn("{task.description:<20}", markup=False), BarColumn(_WIDTH), _Count()),
            console=self.console,
        )
        self._task: TaskID = self._lines.add_task(step, total=None)
        self._lines.start()

    def show(self, step: str, done: int, total: int) -> None:
        """Say how much of a step is done; fewer than two of it are not counted."""
        if step != self._step or not done:
            self._step = step
            # Of one task, so that there are never two lines; None cannot be given to it.
            self._lines.tasks[0].total = total if total > 1 else None
            self._lines.reset(self._task, description=step)
        self._lines.update(self._task, completed=done)

    def say(self, line: str) -> None:
        """A line above it, as it is."""
        self.console.out(line, highlight=False)

    def end(self) -> None:
        """Take it away."""
        self._lines.stop()
