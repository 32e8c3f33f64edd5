"""Clinical scales: what they are, their ratings, and the scores from them (score)."""
