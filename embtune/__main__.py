"""`python -m embtune`: the same as the `embtune` command."""

from embtune.cli.app import main

if __name__ == "__main__":
    main()
