"""Figures: how they look, and how they become files. The one place that needs matplotlib.

Nothing of pyplot's: a figure is an object of its own, and no window opens.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Any, Final

from hmserve.errors import UsageError
from hmserve.journal.files import explained, make_directory

try:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator
except ImportError as error:
    raise UsageError("plotting needs matplotlib: pip install 'hmserve[plot]'") from error

# Okabe and Ito (2008), without the yellow, which fades on white.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5d5d5d")
DASHES: Final = ("-", "--", "-.", ":")
INK: Final = "#222222"
PALE: Final = "#9a9a9a"
SIZE: Final = (7.5, 4.8)
"""Inches of a figure with one panel."""

_STYLE: Final[dict[Any, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.usetex": False,
    "text.color": INK,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 11.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 5),
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "hmserve",
}
_ENDINGS: Final = (".pdf", ".png", ".svg")
_LEGEND_WIDTH: Final = 78
_DECADES: Final = 300.0


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in our style within the block, whatever the user's own settings say."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def save(figure: Figure, path: str) -> None:
    """Write `figure` into the file `path`, in the format of its ending.

    The figure grows or shrinks to what is on it, so that legends beside the axes are whole.

    Raises:
        JournalError: The file cannot be written.
    """
    data = io.BytesIO()
    # No dates: the same results make the same file.
    dates = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    with style():
        figure.savefig(
            data,
            format=ending_of(path)[1:],
            dpi=150,
            bbox_inches="tight",
            pad_inches=0.15,
            metadata=dates.get(ending_of(path)),
        )
    make_directory(os.path.dirname(os.path.abspath(path)))
    with explained("write", path), open(path, "wb") as file:
        file.write(data.getvalue())


def check_image(path: str) -> str:
    """Return `path` if its ending names a format we draw.

    Raises:
        UsageError: It does not.
    """
    if ending_of(path) not in _ENDINGS:
        raise UsageError(
            f"{path}: expected an image whose name ends in {', '.join(_ENDINGS[:-1])} or "
            f"{_ENDINGS[-1]}"
        )
    return path


def ending_of(path: str) -> str:
    """Return the ending of `path` with its point, in lower case."""
    return os.path.splitext(path)[1].lower()


def line_style(number: int) -> dict[str, Any]:
    """Return a colour and a dash for the curve `number`; they repeat after 28."""
    turns, place = divmod(number, len(COLOURS))
    return {"color": COLOURS[place], "linestyle": DASHES[turns % len(DASHES)]}


def legend_below(axes: Axes, columns: int = 4) -> None:
    """Put the legend of `axes` below it, outside the data, if it says anything.

    Args:
        axes: What the legend explains.
        columns: At most so many; fewer if the labels are long.
    """
    handles, labels = _legend(axes)
    if not handles:
        return
    fitting = _LEGEND_WIDTH // (max(map(len, labels)) + 6)
    axes.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        ncols=max(1, min(columns, fitting, len(labels))),
    )


def legend_aside(axes: Axes) -> None:
    """Put the legend of `axes` where a triangle of panels leaves room: top right."""
    handles, labels = _legend(axes)
    figure = axes.get_figure()
    if handles and figure is not None:
        figure.legend(handles, labels, loc="upper right", fontsize=9.5)


def _legend(axes: Axes) -> tuple[list[Any], list[str]]:
    """Return what the legend of `axes` shows."""
    handles, labels = axes.get_legend_handles_labels()
    return handles, [literal(str(label)) for label in labels]


def note(axes: Axes, text: str) -> None:
    """Say in the middle of `axes` why there is nothing to see."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=PALE)


def logarithmic(axes: Axes, which: str) -> None:
    """Make the axis "x" or "y" logarithmic; over few decades with plain numbers."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axis.get_view_interval()
    if low > 0 and high / low < _DECADES:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def literal(text: str) -> str:
    """Return what shows `text` as it is; dollars would enclose a formula."""
    return text.replace("$", r"\$")


def shortened(text: str, length: int = 40) -> str:
    """Return `text` without its beginning if it is longer than `length`.

    It is the ends of paths that tell them apart.
    """
    return text if len(text) <= length else "…" + text[1 - length :]
