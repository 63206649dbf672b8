"""Rewrites: plan where the steps go, write it as edits, apply them, read the result again, check it again."""
