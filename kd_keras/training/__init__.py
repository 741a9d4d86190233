"""Fits one model, or a stack of them, so that a killed run goes on where it was."""

from kd_keras.training.backup import BACKUP, write_history
from kd_keras.training.fitting import fit, steps_per_epoch
from kd_keras.training.optimizers import OPTIMIZERS, WarmUp, optimizer
from kd_keras.training.stack import Stack, state_of
from kd_keras.training.stackable import why_single
from kd_keras.training.stacked_fitting import Member, fit_stack, members_of_backup

__all__ = [
    "BACKUP",
    "OPTIMIZERS",
    "Member",
    "Stack",
    "WarmUp",
    "fit",
    "fit_stack",
    "members_of_backup",
    "optimizer",
    "state_of",
    "steps_per_epoch",
    "why_single",
    "write_history",
]
