"""The masks of one image: runs, COCO RLE, nesting, outlines, superpixels."""
