"""The formats of masks, for help and docs."""

from napari_sepl.files.formats import FileFormat

_ROLE = "masks"
_AMG = "segment-anything's scripts/amg.py"

MASK_FORMATS = (
    FileFormat(
        _ROLE, "folder of PNGs", f"{_AMG}; the program of the paper",
        "a folder of .png: by metadata.csv, by numbers for names, or all in the order of their "
        "names; 0 and another value, or grey, of which half and more is mask",
    ),
    FileFormat(
        _ROLE, "list of records", f"{_AMG} --convert-to-rle; `napari-sepl masks`; "
        "SamAutomaticMaskGenerator.generate() as .json, .pkl or .npy",
        "a list with \"segmentation\": COCO RLE (compressed, as counts, or as text of Python "
        "bytes), polygons as pycocotools fills them, rows of true and false, or arrays",
    ),
    FileFormat(
        _ROLE, "one record", "SAM 2", ".json of one COCO RLE dict, or of one mask for each key",
    ),
    FileFormat(
        _ROLE, "COCO instances", "COCO; `napari-sepl export coco` and `coco-polygons`; "
        "results of COCO's evaluation",
        ".json with \"image_id\" in each mask; the image is found by its file_name without ending, "
        "or by its id", "`--masks FILE.json`, or a folder that holds it",
    ),
    FileFormat(
        _ROLE, "masks with classes", "SAM 3, Grounded-SAM, Semantic-Segment-Anything, COCO",
        "a record with class_name, class, label or category_id, and score",
    ),
    FileFormat(
        _ROLE, "stack of masks", "numpy",
        ".npy or .npz (\"masks\", or an array for each mask) of bool, whole numbers or 0.0 and "
        "1.0: (N, H, W), with axes of length one, or (H, W, N) by the image's "
        "size",
    ),
    FileFormat(
        _ROLE, "packed bits", "np.packbits", ".npy or .npz of uint8: rows, masks or all packed; "
        "the image's size or an array \"shape\" beside it tells the masks'",
    ),
    FileFormat(
        _ROLE, "numbers", "S2C, micro-sam, label layers", "(H, W) in .png, .tif, .npy or .npz: "
        "a mask for each number; 0 is none, or -1, where there are negative numbers",
    ),
    FileFormat(
        _ROLE, "labelme", "labelme; `napari-sepl export labelme`",
        ".json with \"shapes\"; those of one label and group_id are one mask",
    ),
    FileFormat(
        _ROLE, "ISAT", "ISAT with segment anything",
        ".json with \"objects\"; those of one category and group are one mask",
    ),
)  # fmt: skip
"""What `read_masks` reads."""
