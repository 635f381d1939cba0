"""Start the embedded AWS: MiniStack with the rehearsal's plug-in.

Usage: PYTHON rehearsal/aws/launch.py, with the environment that README.md lists.
It listens on 127.0.0.1:GATEWAY_PORT only and ends, with all its children, on SIGTERM
or, if REHEARSAL_STOP_ON_EOF=1, when its standard input ends.
"""

from plugin import settings, versions


def main() -> None:
    """Check the environment and the pinned versions, load the plug-in, serve until told to stop."""
    try:
        chosen = settings.read()
        versions.check()
    except (settings.SettingsError, versions.VersionError) as problem:
        raise SystemExit(f"rehearsal/aws: {problem}") from problem

    # Only now: this imports MiniStack, which reads the environment.
    from plugin import assembly

    assembly.install(chosen)
    assembly.serve(chosen)


if __name__ == "__main__":
    main()
