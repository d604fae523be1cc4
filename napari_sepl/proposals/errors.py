"""What can go wrong while masks are made.

ProposalError               no masks could be made
├── MissingPackageError     a package that SAM needs is not installed
├── DownloadError           weights could not be fetched
├── OpeningError            the model could not be made ready in its process
└── StoppedError            someone stopped the work; nothing is wrong
"""

from napari_sepl.core.errors import RunEndedError, SeplError


class ProposalError(SeplError):
    """No masks could be made."""


class MissingPackageError(ProposalError):
    """A package that SAM needs is not installed."""


class DownloadError(ProposalError):
    """Weights could not be fetched; nothing wrong is left where they belong."""


class OpeningError(ProposalError, RunEndedError):
    """What makes masks could not be made ready: the next image would meet the same."""


class StoppedError(ProposalError, RunEndedError):
    """Someone stopped the work; nothing is wrong."""
