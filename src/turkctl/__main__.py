"""Run turkctl as ``python -m turkctl``."""

from turkctl.cli import main

if __name__ == "__main__":
    main()
