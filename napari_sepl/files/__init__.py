"""All that touches the disk: pictures, labels, masks and class lists in, label files out."""
