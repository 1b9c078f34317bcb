"""Words for things that stand on tables, in kitchens, on desks and in workshops.

Words between which a photo hardly decides would share each other's confidence, so only one of them is here.  What a
thing is made of is no word: that is the table of materials' matter.
"""

from __future__ import annotations

__all__ = ["WORDS"]

WORDS: tuple[str, ...] = (
    # fruit and vegetables
    "apple", "avocado", "banana", "bell pepper", "broccoli", "bunch of bananas", "bunch of grapes", "carrot",
    "cucumber", "eggplant", "garlic", "kiwi fruit", "lemon", "lime", "mango", "melon", "mushroom", "onion", "orange",
    "peach", "pear", "pineapple", "plum", "potato", "pumpkin", "strawberry", "tomato", "walnut",
    # other food
    "bar of chocolate", "bread roll", "cake", "can of food", "cereal box", "croissant", "doughnut", "egg",
    "egg carton", "jar of jam", "loaf of bread", "milk carton", "packet of crisps", "piece of cheese", "sandwich",
    "tea bag",
    # dishes and kitchen
    "baking tray", "bottle", "bottle opener", "bowl", "can opener", "colander", "corkscrew", "cutting board",
    "drinking glass", "drinks can", "fork", "frying pan", "grater", "jar", "jug", "kettle", "kitchen knife", "ladle",
    "lunch box", "measuring cup", "mortar", "mug", "paper cup", "pepper mill", "plate", "rolling pin", "salt shaker",
    "saucepan", "saucer", "spatula", "sponge", "spoon", "teapot", "thermos flask", "toaster", "water bottle", "whisk",
    "wine bottle", "wine glass", "wooden spoon",
    # desk
    "book", "calculator", "camera", "computer keyboard", "computer mouse", "desk lamp", "envelope", "eraser",
    "game controller", "glue stick", "headphones", "laptop", "loudspeaker", "marker pen", "notebook", "paper clip",
    "pen", "pencil", "pencil case", "phone", "picture frame", "remote control", "roll of tape", "ruler", "scissors",
    "stack of paper", "stapler", "tablet computer", "usb stick", "webcam",
    # bathroom and household
    "alarm clock", "bar of soap", "basket", "battery", "candle", "cardboard box", "clothes peg", "comb", "flower pot",
    "hairbrush", "key", "light bulb", "lighter", "mirror", "padlock", "plastic bag", "potted plant", "razor",
    "roll of toilet paper", "shampoo bottle", "spray bottle", "sunglasses", "tissue box", "toothbrush", "toothpaste",
    "towel", "tray", "tube of cream", "umbrella", "vase", "wallet", "wristwatch",
    # tools
    "cable", "drill", "flashlight", "hammer", "measuring tape", "nail", "paint brush", "pliers", "plug", "saw",
    "screw", "screwdriver", "wrench",
    # toys, clothes and ornaments
    "ball", "baseball", "building block", "doll", "figurine", "glove", "golf ball", "hat", "playing cards",
    "puzzle cube", "rubber duck", "shoe", "soft toy", "stone", "tennis ball", "toy animal", "toy car", "wooden block",
)  # fmt: skip
