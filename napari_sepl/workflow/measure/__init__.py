"""Quality of labels: evaluation against ground truth, and sweeps over thresholds."""
