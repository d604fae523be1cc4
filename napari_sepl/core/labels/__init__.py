"""Label maps: classes, CAM scores, edits, polygons."""
