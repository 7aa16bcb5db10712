"""What to offer whom: collaborative, content and hybrid recommendation, and what a household buys again."""
