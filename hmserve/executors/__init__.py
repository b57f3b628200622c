"""Functions on the workers of any `concurrent.futures.Executor`."""
