"""Nothing that reaches a participant tells the truth but the pixels: what is sent, guessed from it, and read for it."""
