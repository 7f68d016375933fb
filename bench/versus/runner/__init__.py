"""Runs programs that do the same in different languages, side by side, and reports what each costs."""
