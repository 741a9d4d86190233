"""Fits one model so that a killed run goes on where it was."""

from kd_keras.training.backup import BACKUP
from kd_keras.training.fitting import fit, steps_per_epoch
from kd_keras.training.optimizers import OPTIMIZERS, WarmUp, optimizer

__all__ = ["BACKUP", "OPTIMIZERS", "WarmUp", "fit", "optimizer", "steps_per_epoch"]
