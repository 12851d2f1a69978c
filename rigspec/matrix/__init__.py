"""The matrix: sourced facts about products, their releases and requirements."""
