"""Captures of VRAM frames that the renderer samples equal what the producer drew, bit by bit.

The renderer is llvmpipe without a DRM device, which maps what it imports: see doctor/test_gpu.py.
"""

from __future__ import annotations

from rig import Rig
from rig.captured import RIG_SIZE, check_hashes

RIG = {"size": RIG_SIZE, "vram": 64 << 20, "driver": "vfio-pci-dmabuf"}
WINDOW = 480, 320
FRAMES = 4


def test_hashes_are_those_of_the_producer(rig: Rig) -> None:
    """From the first frame on: time stands still while a probe finds out whether it can."""
    check_hashes(rig, "gpu", ["--size", f"{WINDOW[0]}x{WINDOW[1]}"], WINDOW, FRAMES,
                 {"WLR_RENDERER": "gles2", "WLR_RENDERER_FORCE_SOFTWARE": "1"})
