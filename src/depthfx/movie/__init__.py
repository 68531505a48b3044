"""Moving pictures: shots drawn frame by frame, and the files they go into."""
