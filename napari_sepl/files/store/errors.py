"""What can go wrong with a store, as branches of the one tree.

SeplError
├── InputError
│   ├── StoreNewerError    a later version of this program made the store
│   └── StoreCorruptError  the store is damaged; `recover` saves what can be read
└── SaveError
    └── StoreReadOnlyError the store was opened to be read only
"""

from napari_sepl.core.errors import InputError, SaveError


class StoreNewerError(InputError):
    """A store that a later version of this program made; the file is untouched."""


class StoreCorruptError(InputError):
    """A store that is damaged; the file is untouched, and `recover` keeps it aside."""


class StoreReadOnlyError(SaveError):
    """A write to a store that was opened read-only."""
