"""``python -m flyte_dask_cli``."""

from flyte_dask_cli.main import main

if __name__ == "__main__":
    main()
