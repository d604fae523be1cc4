"""Making masks for many samples, and turning folders of them into one file each."""
