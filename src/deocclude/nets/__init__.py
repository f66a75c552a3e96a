"""Network architectures; every module here imports torch, this file does not."""
