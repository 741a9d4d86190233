"""Audit of models that are trained already."""

from kd_keras.auditing.predictions import audit_predictions
from kd_keras.auditing.result import Audit
from kd_keras.auditing.run import audit

__all__ = ["Audit", "audit", "audit_predictions"]
