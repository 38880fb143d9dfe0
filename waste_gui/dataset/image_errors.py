"""Why a photo cannot be read: a named error for each kind of the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # the workers start without msgspec
    from waste_gui.protocol import FailureKind

INCOMPLETE = "is incomplete, its end is missing"
TOO_LARGE_UNPACKED = "grows far too large when it is unpacked"


class ImageError(Exception):
    """A photo that cannot be read, and why in a short sentence ("is empty").

    ImageError
     ├ DamagedImage      the bytes are wrong
     ├ TruncatedImage    the end is missing
     ├ TooLargeImage     over MAX_BYTES or MAX_PIXELS
     ├ NotAnImage        a text, a folder, a pipe, a format that we do not read
     ├ UnreadableImage   no permission, or the drive fails
     ├ VanishedImage     was there when the folder was scanned
     └ TimedOutImage     took longer than the photo time limit, or a person set it aside
    """

    kind: ClassVar[FailureKind] = "damaged"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


class DamagedImage(ImageError):
    kind = "damaged"


class TruncatedImage(ImageError):
    kind = "truncated"


class TooLargeImage(ImageError):
    kind = "too_large"


class NotAnImage(ImageError):
    kind = "not_an_image"


class UnreadableImage(ImageError):
    kind = "unreadable"


class VanishedImage(ImageError):
    kind = "vanished"


class TimedOutImage(ImageError):
    kind = "timed_out"


ERRORS: dict[str, type[ImageError]] = {
    error.kind: error
    for error in (
        DamagedImage,
        TruncatedImage,
        TooLargeImage,
        NotAnImage,
        UnreadableImage,
        VanishedImage,
        TimedOutImage,
    )
}
"""The named error for each kind of the protocol."""
