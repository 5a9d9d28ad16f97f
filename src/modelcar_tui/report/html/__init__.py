"""A run as one HTML file; asked by the door of `report`."""
