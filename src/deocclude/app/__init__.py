"""The browser app: an HTTP service on 127.0.0.1 over project folders, and the page that uses it.

``docs/app-api.md`` describes the service. :func:`deocclude.app.factory.create_app` makes it.
"""
