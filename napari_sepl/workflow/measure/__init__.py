"""What labels are worth: evaluation against a truth, and sweeps over thresholds."""
