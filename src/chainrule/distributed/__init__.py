"""Questions about tables that no process holds whole: frames of Dask and Spark, datasets of Ray.

Each function takes a density and a frame, and returns a frame of the same library, which is
computed when the library says so. The workers need chainrule, and no PyTorch: a scorer travels to
them. Each part is answered in one thread and without progress bars, so that as many parts as there
are cores may be answered at once.
"""

from chainrule.distributed.questions import explain, impute, proofread, sample, score
from chainrule.distributed.schemas import infer_schema

__all__ = ["explain", "impute", "infer_schema", "proofread", "sample", "score"]
