"""Reference images: find other pictures that show the same object."""
