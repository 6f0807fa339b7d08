"""The rig: a virtual machine with two GPUs. See rig.py."""

from .guest import CommandFailed, Process, Result, RigError
from .qmp import QmpError
from .rig import Exporter, Rig

__all__ = ["CommandFailed", "Exporter", "Process", "QmpError", "Result", "Rig", "RigError"]
