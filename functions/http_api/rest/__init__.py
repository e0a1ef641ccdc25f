"""One file for each resource: input model -> use case -> output model."""
