import io
from dataclasses import replace

from monitoring import picture


def size_of(png):
    from PIL import Image

    return Image.open(io.BytesIO(png)).size


def test_a_picture_is_twice_as_wide_as_a_mail(shifted):
    png = picture.png(shifted, "recommender, last week")
    assert size_of(png)[0] == 1200 and len(png) < 400_000


def test_a_check_of_no_columns_still_has_a_picture(quiet):
    assert picture.png(replace(quiet, columns=()))[:4] == b"\x89PNG"
