"""A scene being taken apart: its state in memory, its folder on disk, and its report page."""
