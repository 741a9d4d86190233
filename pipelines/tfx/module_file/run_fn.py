"""For `module_file=`: TFX packs every module of this folder, and this is the only one.

With kd-keras installed on the workers `run_fn="pipelines.tfx.run_fn.run_fn"` is enough.
"""

from pipelines.tfx.run_fn import run_fn

__all__ = ["run_fn"]
