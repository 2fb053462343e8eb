"""One suite over every backend: what sessions see, what they cannot do, proven from inside them."""
