"""The GraphQL face of the API: the same use cases as REST, read as a graph."""
