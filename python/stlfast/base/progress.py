"""What `progress=` means everywhere: True for a bar with the time left on stderr, or a function that is called."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

Progress = bool | Callable[[Any], object]


class Report(Protocol):
    """Called with how much is done and, for a bar, what else there is to say."""

    def __call__(self, done: float, told: str = "") -> None: ...


def _nothing(done: float, told: str = "") -> None:
    pass


@contextlib.contextmanager
def shown(progress: Progress | None, what: str, total: float = 1.0) -> Iterator[Report]:
    """A function to be called with how much of `total` is done; ValueError for a progress of another kind."""
    if callable(progress):
        function = progress

        def call(done: float, told: str = "") -> None:
            function(done)

        yield call
    elif progress is None or progress is False:
        yield _nothing
    elif progress is True:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        texts = TextColumn("{task.description}"), TextColumn("{task.fields[told]}"), TextColumn("left")
        columns = (texts[0], BarColumn(), TaskProgressColumn(), texts[1], TimeElapsedColumn())
        with Bar(*columns, texts[2], TimeRemainingColumn(), console=Console(stderr=True)) as bar:
            task = bar.add_task(what, total=total, told="")

            def update(done: float, told: str = "") -> None:
                bar.update(task, completed=done, told=told)

            yield update
    else:
        raise ValueError(f"progress must be True, False or a function, got {progress!r}")
