"""A vault is reshared: what is checked before and after, and how all parties come to know that all is well."""
