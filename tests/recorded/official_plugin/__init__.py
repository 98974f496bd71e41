"""The official plugin's templates of configs that both plugins accept."""
