"""All that touches the disk: images, labels, masks and class lists in, label files out."""
