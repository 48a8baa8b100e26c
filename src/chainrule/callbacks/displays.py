"""Places where progress can be shown: bars in a terminal, a bar in a notebook, lines elsewhere."""

from __future__ import annotations

import multiprocessing
import threading
import time
from abc import ABC, abstractmethod
from typing import Any

from chainrule.pages.markup import element

__all__ = ["Display", "display_for"]


class Display(ABC):
    """Shows one training."""

    @abstractmethod
    def show(self, text: str, done: float) -> None:
        """Show figures, and the share that is done, from 0 to 1."""

    @abstractmethod
    def close(self, text: str, done: float) -> None:
        """Show what is final."""


def display_for(console: Any, seconds: float, start: float) -> Display:
    """The display that suits a console.

    Parameters
    ----------
    console : rich.console.Console or None
        None for standard output.
    seconds : float
        Between two lines, where there is no bar.
    start : float
        When training began, by ``time.perf_counter``.
    """
    # rich is loaded where progress is shown: importing it takes longer than a small fit.
    from rich.console import Console
    from rich.errors import LiveError

    console = console or Console()
    if multiprocessing.parent_process() is not None:
        # Several processes would draw their bars over one another.
        return _Lines(console, seconds, start, also_short=False)
    if console.is_jupyter:
        return _NotebookBar()
    if console.is_terminal and not console.is_dumb_terminal:
        try:
            return _TerminalBar(console)
        except LiveError:
            pass  # something else of the user's moves on that console
    return _Lines(console, seconds, start, also_short=True)


class _Lines(Display):
    """A line now and then."""

    def __init__(self, console: Any, seconds: float, start: float, also_short: bool) -> None:
        self.console = console
        self.seconds = seconds
        self.latest = start
        self.also_short = also_short

    def show(self, text: str, done: float) -> None:
        if time.perf_counter() - self.latest >= self.seconds:
            self._write(text)

    def close(self, text: str, done: float) -> None:
        if self.also_short or time.perf_counter() - self.latest >= self.seconds:
            self._write(text)

    def _write(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
        self.latest = time.perf_counter()


class _Screen:
    """The part of the terminal that moves: the first bar opens it, and the last one closes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: Any = None
        self._n_open = 0

    def open(self, console: Any) -> Any:
        """The ``rich.progress.Progress`` to add a bar to."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        with self._lock:
            if self._bars is None:
                text = TextColumn("{task.description}", markup=False)
                bars = Progress(text, BarColumn(), TimeElapsedColumn(), console=console)
                bars.start()
                self._bars = bars
            self._n_open += 1
            return self._bars

    def close(self, task: Any, text: str) -> None:
        """Leave a bar where it is, if it is the last one; else replace it by a line above."""
        with self._lock:
            self._n_open -= 1
            if self._n_open:
                # The bars of all that are done would crowd out those that move.
                self._bars.remove_task(task)
                self._bars.console.print(text, markup=False, highlight=False)
            else:
                self._bars.stop()
                self._bars = None


_SCREEN = _Screen()


class _TerminalBar(Display):
    """One of the bars of a terminal."""

    def __init__(self, console: Any) -> None:
        self._bars = _SCREEN.open(console)
        self._task = self._bars.add_task("", total=1.0)

    def show(self, text: str, done: float) -> None:
        self._bars.update(self._task, description=text, completed=done)

    def close(self, text: str, done: float) -> None:
        self.show(text, done)
        _SCREEN.close(self._task, text)


class _NotebookBar(Display):
    """A bar below a cell, in plain HTML: no widgets have to be installed."""

    REFRESH_SECONDS = 0.2

    def __init__(self) -> None:
        self._handle: Any = None
        self._latest = -1.0

    def show(self, text: str, done: float) -> None:
        now = time.perf_counter()
        if now - self._latest >= self.REFRESH_SECONDS:
            self._latest = now
            self._put(text, done)

    def close(self, text: str, done: float) -> None:
        self._put(text, done)

    def _put(self, text: str, done: float) -> None:
        from IPython.display import HTML, display

        bar = element("progress", value=f"{done:.4f}", max=1, style="vertical-align: middle")
        shown = HTML(str(element("div", bar, " ", element("code", text))))
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)
