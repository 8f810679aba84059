"""What goes wrong while measuring."""


class CannotMeasure(Exception):
    """Why the bench does not run, and what to do about it, in one line."""


class Broken(Exception):
    """Why one server failed one measurement; the others go on."""
