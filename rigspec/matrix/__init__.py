"""The knowledge: cited facts about products, their releases and what they need of each other."""
