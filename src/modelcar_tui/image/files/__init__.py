"""The files of a model, read by their first kilobytes wherever they lie: layers, folders."""
