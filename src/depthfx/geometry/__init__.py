"""Space: where cameras stand, where surfaces break, and the scene from another place."""
