"""Label maps: their classes, the scores they are cut from, edits, polygons."""
