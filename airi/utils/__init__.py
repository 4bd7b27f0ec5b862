"""What surrounds the mathematics: loading data (``airi.utils.data``)."""
