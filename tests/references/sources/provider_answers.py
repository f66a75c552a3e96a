"""Answers in the formats that the services document, with addresses on a local server."""

from __future__ import annotations

from typing import Any


def openverse(base: str, names: list[str], pages: int = 1, **changes: Any) -> dict[str, Any]:
    """GET /v1/images/ (https://api.openverse.org/v1/)."""
    results = [
        {
            "id": f"0000-{name}",
            "title": f"A {name}",
            "indexed_on": "2020-01-01T00:00:00Z",
            "foreign_landing_url": f"https://www.flickr.com/photos/{name}",
            "url": f"{base}/pictures/{name}.jpg",
            "creator": "Ada & Co",
            "creator_url": "https://www.flickr.com/people/ada",
            "license": "by-sa",
            "license_version": "2.0",
            "license_url": "https://creativecommons.org/licenses/by-sa/2.0/",
            "provider": "flickr",
            "source": "flickr",
            "category": "photograph",
            "thumbnail": f"{base}/v1/images/{name}/thumb/",
            "height": 48,
            "width": 64,
            "mature": False,
            "tags": [{"name": name, "accuracy": None}],
        }
        | changes
        for name in names
    ]
    return {"result_count": len(results), "page_count": pages, "page_size": 20, "page": 1, "results": results}


def commons(base: str, names: list[str], more: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """GET /w/api.php?action=query&generator=search&prop=imageinfo&formatversion=2."""
    pages = [
        {
            "pageid": 100 + index,
            "ns": 6,
            "title": f"File:{name}.jpg",
            "index": index,
            "imagerepository": "local",
            "imageinfo": [
                {
                    "size": 1000,
                    "width": 64,
                    "height": 48,
                    "thumburl": f"{base}/thumbs/{name}.jpg",
                    "thumbwidth": 1280,
                    "thumbheight": 960,
                    "url": f"{base}/pictures/{name}.jpg",
                    "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{name}.jpg",
                    "descriptionshorturl": "https://commons.wikimedia.org/w/index.php?curid=1",
                    "mime": "image/jpeg",
                    "extmetadata": {
                        "ObjectName": {"value": name.title(), "source": "mediawiki-metadata", "hidden": ""},
                        "LicenseShortName": {"value": "CC BY-SA 4.0", "source": "commons-desc-page", "hidden": ""},
                        "LicenseUrl": {"value": "https://creativecommons.org/licenses/by-sa/4.0", "hidden": ""},
                        "Artist": {
                            "value": '<a href="//commons.wikimedia.org/wiki/User:Ada" title="User:Ada">Ada &amp; Co</a>'
                            "<script>alert(1)</script>",
                            "source": "commons-desc-page",
                        },
                    },
                }
                | changes
            ],
        }
        for index, name in enumerate(names, 1)
    ]
    answer: dict[str, Any] = {"batchcomplete": True, "query": {"pages": pages[::-1]}}
    return answer | ({"continue": more} if more else {})


def google_vision(base: str) -> dict[str, Any]:
    """POST /v1/images:annotate with WEB_DETECTION."""
    return {
        "responses": [
            {
                "webDetection": {
                    "webEntities": [{"entityId": "/m/02p5f1q", "score": 1.2, "description": "Cup"}],
                    "fullMatchingImages": [{"url": f"{base}/pictures/full.jpg"}],
                    "partialMatchingImages": [
                        {"url": "x-raw-image:///0123456789abcdef"},
                        {"url": f"{base}/pictures/part.jpg"},
                    ],
                    "pagesWithMatchingImages": [
                        {
                            "url": "https://shop.example/cups",
                            "pageTitle": "<b>Cups</b> and saucers",
                            "partialMatchingImages": [{"url": f"{base}/pictures/part.jpg"}],
                            "fullMatchingImages": [{"url": f"{base}/pictures/of-page.jpg"}],
                        }
                    ],
                    "visuallySimilarImages": [{"url": f"{base}/pictures/alike.jpg"}],
                    "bestGuessLabels": [{"label": "coffee cup", "languageCode": "en"}],
                }
            }
        ]
    }


def serpapi(base: str) -> dict[str, Any]:
    """GET /search?engine=google_lens."""
    return {
        "search_metadata": {"id": "66", "status": "Success"},
        "search_parameters": {"engine": "google_lens", "type": "visual_matches"},
        "visual_matches": [
            {
                "position": 1,
                "title": "Coffee cup",
                "link": "https://shop.example/cup",
                "source": "Shop",
                "thumbnail": f"{base}/thumbs/one.jpg",
                "thumbnail_width": 32,
                "thumbnail_height": 24,
                "image": f"{base}/pictures/one.jpg",
                "image_width": 64,
                "image_height": 48,
            },
            {"position": 2, "title": "No whole picture", "link": "https://b.example", "thumbnail": f"{base}/t/two.jpg"},
            {"position": 3, "title": "No picture at all", "link": "https://c.example"},
        ],
        "related_content": [{"query": "Coffee cup", "link": "https://www.google.com/search?q=Coffee+cup"}],
    }


def imgbb(base: str) -> dict[str, Any]:
    """POST /1/upload (https://api.imgbb.com/)."""
    return {
        "data": {
            "id": "2ndCYJK",
            "title": "object",
            "url_viewer": "https://ibb.co/2ndCYJK",
            "url": f"{base}/hosted/object.jpg",
            "display_url": f"{base}/hosted/object.jpg",
            "size": "42",
            "time": "1552042565",
            "expiration": "300",
            "image": {"filename": "object.jpg", "mime": "image/jpeg", "url": f"{base}/hosted/object.jpg"},
            "delete_url": "https://ibb.co/2ndCYJK/670a7e48ddcb85ac340c717a41047e5c",
        },
        "success": True,
        "status": 200,
    }
