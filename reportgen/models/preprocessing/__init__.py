"""From raw-image units to what a model was trained on: as set, as the model shows, or tried."""
