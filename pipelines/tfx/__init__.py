"""Components of a TFX pipeline, and what they call.

Only `distiller`, `fairness_gate` and `gate_executor` import TFX.
"""
