"""Circles in what depends on what."""

from collections.abc import Iterable, Iterator, Mapping


def cycles(dependencies: Mapping[str, Iterable[str]]) -> list[str] | None:
    """Return a circle of names, each of which depends on the next and the last on the first.

    None if there is none. Names that depend on nothing need not be keys.
    """
    done: set[str] = set()
    for start in dependencies:
        path: dict[str, Iterator[str]] = {}
        name: str | None = start
        while name is not None:
            if name in path:
                return [*path][[*path].index(name) :]
            if name not in done:
                path[name] = iter(dependencies.get(name, ()))
            name = _next(path, done)
    return None


def _next(path: dict[str, Iterator[str]], done: set[str]) -> str | None:
    """Return the next name to visit from the end of `path`, which steps back as it must."""
    while path:
        last, others = path.popitem()
        for other in others:
            path[last] = others
            return other
        done.add(last)
    return None
