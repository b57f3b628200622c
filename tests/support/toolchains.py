"""Programs of others that tests need."""

import os
import shutil

import pytest

REQUIRED = "HMSERVE_REQUIRE_TOOLCHAINS"


def require(*tools: str) -> None:
    """Skip where a tool is missing, or fail where all have to be there.

    Args:
        tools: A program each; `gawk|mawk` is one of several.
    """
    missing = [tool for tool in tools if not any(map(shutil.which, tool.split("|")))]
    if missing and os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, and these are missing: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not on this machine: {', '.join(missing)}")
