"""The user's folders, where the platform has them; XDG_CONFIG_HOME and the like say otherwise.
platformdirs is imported only where one is asked for."""

from pathlib import Path


def config_folder() -> Path:
    """The configuration file and the owner's key."""
    import platformdirs

    return Path(platformdirs.user_config_dir("dave", appauthor=False))


def data_folder(given: Path | str | None = None) -> Path:
    """A node's folder: the one given, or the user's."""
    if given is not None:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_data_dir("dave", appauthor=False))


def state_folder() -> Path:
    """What programs remember, such as the lines typed in `dave shell`."""
    import platformdirs

    return Path(platformdirs.user_state_dir("dave", appauthor=False))
