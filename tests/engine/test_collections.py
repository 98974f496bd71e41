"""Dask collections are written and read by workers under any SDK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import dask.dataframe as dd
import pandas as pd
import pytest

from flyte_dask import Dask
from flyte_dask_engine.collections.arrays import ArrayWriter, read_array
from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.frames import FrameWriter
from flyte_dask_engine.collections.reading import read_frame
from flyte_dask_engine.session.session import session
from tests.support.other_sdk import OTHER_SDK, InvalidOutput
from tests.support.parts import needs_arrays

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")  # of Dask itself

ROWS = pd.DataFrame({"x": range(6)})


@needs_arrays
def test_a_session_writes_them_together(tmp_path: Path) -> None:
    arange: Any = da.arange
    frame, array = dd.from_pandas(ROWS, npartitions=3), arange(6, chunks=2)
    folders = [Folder.at(str(tmp_path / each)) for each in ("frame", "array")]
    with session(Dask(workers=2), "etl", host=OTHER_SDK) as opened:
        written = opened.write(
            [
                FrameWriter.of("the output frame", frame, folders[0]),
                ArrayWriter.of("the output array", array, folders[1]),
            ]
        )
        assert [each.partitions for each in written] == [3, 3]
        assert list(read_frame(folders[0]).x.compute()) == list(range(6))
        assert list(read_array(folders[1]).compute()) == list(range(6))


def test_what_cannot_be_written_is_an_error_of_the_sdk(tmp_path: Path) -> None:
    def other(part: Any) -> Any:
        return part.rename(columns={"x": "y"})

    frame = dd.from_pandas(ROWS, npartitions=1)
    wrong = frame.map_partitions(other, meta=ROWS.iloc[:0], enforce_metadata=False)
    folder = Folder.at(str(tmp_path / "frame"))
    writer = FrameWriter.of("the output rows", wrong, folder)
    with (
        session(Dask(), "etl", host=OTHER_SDK) as opened,
        pytest.raises(InvalidOutput) as caught,
    ):
        opened.write([writer])
    assert str(caught.value).startswith(
        "etl: the output rows: partition 0 lacks the column 'x', which the frame has. It has: 'y'"
    )
