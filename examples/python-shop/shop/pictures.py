"""Pictures of the items."""

import os
import subprocess

PICTURES = "/srv/shop/pictures"


def read(name):
    """The bytes of one picture."""
    path = os.path.join(PICTURES, name)
    file = open(path, "rb")
    return file.read()


def make_thumbnail(name, width):
    """Make a small version of a picture."""
    source = f"{PICTURES}/{name}"
    subprocess.run(f"convert {source} -resize {width} {source}.small.png", shell=True)
