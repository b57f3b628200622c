"""HyperMapper's entry points in Python, module by module, made of hmserve.

    from hmserve.compat import optimizer

    optimizer.optimize("app.json", function)

Programs that import ``hypermapper`` run unchanged with the directory on PYTHONPATH that
``hmserve hypermapper-home`` writes.
"""
