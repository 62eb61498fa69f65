"""The libraries whose frames are answered, and the module that does it for each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from chainrule.errors import SchemaError


@dataclass(frozen=True)
class Engine:
    """A library of distributed frames.

    Attributes:
        frame: the class of its frames, for messages.
        method: what a frame of it can do.
        room: the module of this package that answers its frames.
    """

    frame: str
    method: str
    room: str


DASK = Engine("a dask.dataframe.DataFrame", "map_partitions", "dask_frames")
SPARK = Engine("a pyspark.sql.DataFrame", "mapInArrow", "spark_frames")
RAY = Engine("a ray.data.Dataset", "map_batches", "ray_datasets")
FRAMES = (DASK, SPARK, RAY)
ENGINES = {"dask": DASK, "dask_expr": DASK, "pyspark": SPARK, "ray": RAY}


def module_of(data: Any) -> Any:
    """Returns the module that answers a frame, by the library of its class.

    Raises:
        SchemaError: a frame of another library.
    """
    engine = ENGINES.get(type(data).__module__.partition(".")[0])
    if engine is None or not hasattr(data, engine.method):
        raise SchemaError(
            f"a {type(data).__module__}.{type(data).__name__} is not distributed: pass "
            f"{', '.join(each.frame for each in FRAMES[:-1])} or {FRAMES[-1].frame}; a Density "
            "answers frames and files of one machine itself"
        )
    return import_module(f"chainrule.distributed.{engine.room}")
