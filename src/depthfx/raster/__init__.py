"""Plain image operations on float32 arrays, shared by everything above."""
