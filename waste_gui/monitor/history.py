"""What earlier runs on this machine took, stage by stage."""

from __future__ import annotations


class History:
    """Times of this computer's last 20 finished runs of each kind (device, model, size class)."""
