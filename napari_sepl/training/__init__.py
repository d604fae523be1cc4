"""Training a segmentation network on labels, to see what the labels are worth."""
