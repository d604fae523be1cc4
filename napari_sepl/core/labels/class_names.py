"""Names, colours and numbers of the classes of public datasets."""

VOC_NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa",
    "train", "tv monitor",
)  # fmt: skip

COCO_NAMES = (
    "background", "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck",
    "boat", "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat",
    "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

_COCO_MISSING = frozenset((12, 26, 29, 30, 45, 66, 68, 69, 71, 83))
COCO_OFFICIAL_IDS = tuple(number for number in range(91) if number not in _COCO_MISSING)
"""COCO's own numbers of the classes in `COCO_NAMES`; ten of 1 to 90 have no objects.

Source: instances_val2017.json and COCO's API."""

CITYSCAPES = (
    ("unlabeled", 0x000000), ("ego vehicle", 0x000000), ("rectification border", 0x000000),
    ("out of roi", 0x000000), ("static", 0x000000), ("dynamic", 0x6F4A00), ("ground", 0x510051),
    ("road", 0x804080), ("sidewalk", 0xF423E8), ("parking", 0xFAAAA0), ("rail track", 0xE6968C),
    ("building", 0x464646), ("wall", 0x66669C), ("fence", 0xBE9999), ("guard rail", 0xB4A5B4),
    ("bridge", 0x966464), ("tunnel", 0x96785A), ("pole", 0x999999), ("polegroup", 0x999999),
    ("traffic light", 0xFAAA1E), ("traffic sign", 0xDCDC00), ("vegetation", 0x6B8E23),
    ("terrain", 0x98FB98), ("sky", 0x4682B4), ("person", 0xDC143C), ("rider", 0xFF0000),
    ("car", 0x00008E), ("truck", 0x000046), ("bus", 0x003C64), ("caravan", 0x00005A),
    ("trailer", 0x00006E), ("train", 0x005064), ("motorcycle", 0x0000E6), ("bicycle", 0x770B20),
)  # fmt: skip
"""Name and colour (RGB) of each labelId. Source: the labels of Cityscapes' own scripts."""

CITYSCAPES_TRAINED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""The labelId of each trainId, 0 to 18."""

ADE20K_NAMES = (
    "background", "wall", "building", "sky", "floor", "tree", "ceiling", "road", "bed",
    "windowpane", "grass", "cabinet", "sidewalk", "person", "earth", "door", "table", "mountain",
    "plant", "curtain", "chair", "car", "water", "painting", "sofa", "shelf", "house", "sea",
    "mirror", "rug", "field", "armchair", "seat", "fence", "desk", "rock", "wardrobe", "lamp",
    "bathtub", "railing", "cushion", "base", "box", "column", "signboard", "chest of drawers",
    "counter", "sand", "sink", "skyscraper", "fireplace", "refrigerator", "grandstand", "path",
    "stairs", "runway", "case", "pool table", "pillow", "screen door", "stairway", "river",
    "bridge", "bookcase", "blind", "coffee table", "toilet", "flower", "book", "hill", "bench",
    "countertop", "stove", "palm", "kitchen island", "computer", "swivel chair", "boat", "bar",
    "arcade machine", "hovel", "bus", "towel", "light", "truck", "tower", "chandelier", "awning",
    "streetlight", "booth", "television receiver", "airplane", "dirt track", "apparel", "pole",
    "land", "bannister", "escalator", "ottoman", "bottle", "buffet", "poster", "stage", "van",
    "ship", "fountain", "conveyer belt", "canopy", "washer", "plaything", "swimming pool", "stool",
    "barrel", "basket", "waterfall", "tent", "bag", "minibike", "cradle", "oven", "ball", "food",
    "step", "tank", "trade name", "microwave", "pot", "animal", "bicycle", "lake", "dishwasher",
    "screen", "blanket", "sculpture", "hood", "sconce", "vase", "traffic light", "tray", "ashcan",
    "fan", "pier", "crt screen", "plate", "monitor", "bulletin board", "shower", "radiator",
    "glass", "clock", "flag",
)  # fmt: skip
"""The 150 classes of ADE20K's scene parsing benchmark, numbered from 1."""

BACKGROUND_NAMES = frozenset((
    "background", "_background_", "__background__", "bg", "unlabeled", "unlabelled", "unknown",
    "none", "nothing", "other", "others",
))  # fmt: skip
"""Names, in lower case, that label 0 has in class lists with a background."""
