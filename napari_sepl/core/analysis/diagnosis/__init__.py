"""What may be wrong with the labels of one image, found without the ground truth."""
