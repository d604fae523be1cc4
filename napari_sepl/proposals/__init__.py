"""Where masks come from: SAM, or regions of like colour where there is no SAM."""
