"""A small implementation of AAuth after docs/protocol.md, to show that the vectors bind no language. It is no product: it answers
one question at a time, fetches nothing, and keeps nothing."""
