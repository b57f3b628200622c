"""Directories that are done with. Runs in a warden as well."""

import os


def remove(directory: str) -> None:
    """Remove a directory with all that is in it; a link is removed, not followed."""
    import shutil

    if os.path.islink(directory):
        os.unlink(directory)
        return
    shutil.rmtree(directory, ignore_errors=True)
    if os.path.isdir(directory):
        # Somebody has taken the right to write from directories. Nobody of them is left.
        os.chmod(directory, 0o700)
        for path, folders, _ in os.walk(directory):
            for folder in folders:
                if not os.path.islink(os.path.join(path, folder)):
                    os.chmod(os.path.join(path, folder), 0o700)
        shutil.rmtree(directory, ignore_errors=True)
