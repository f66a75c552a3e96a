"""Names of uploaded references."""

import io

import numpy as np
from PIL import Image


def test_a_reference_called_as_the_list_of_credits_is_not_lost(client, photo):
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3)).astype(np.uint8)).save(content, "PNG")
    given = {"files": ("credits.json", content.getvalue(), "image/png")}
    state = client.post(f"{photo}/references", files=given, data={"revision": "0"}).json()
    (item,) = state["references"]["items"]
    assert item["title"] == "credits.json"
    assert client.get(f"{photo}/references/{item['name']}").status_code == 200
