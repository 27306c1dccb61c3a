"""`python -m meldpost` is the command `meldpost`."""

from meldpost.cli import main

if __name__ == "__main__":
    main()
