"""What phones store in a photo beside its picture: depth and a portrait matte."""
