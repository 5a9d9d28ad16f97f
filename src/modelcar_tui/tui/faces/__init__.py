"""Pure functions from the state to rows; the widgets only show them."""
