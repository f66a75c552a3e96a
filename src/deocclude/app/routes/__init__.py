"""The routes, one small module a part of the API (``docs/app-api.md``)."""
