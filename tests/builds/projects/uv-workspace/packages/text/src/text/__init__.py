"""Headings."""

import idna


def heading(domain: str) -> str:
    return f"# {idna.encode(domain).decode()}"
