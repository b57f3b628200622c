"""The optimizers by name. An adapter imports its optimizer when one is made."""

from comparison.peers.peer import Entry

PEERS: dict[str, Entry] = {
    "random": Entry("uniform:Uniform", several=True),
    "hmserve": Entry("ours:Hmserve", packages=("hmserve",), several=True),
    "optuna_tpe": Entry("optuna:tpe", "light", ("optuna",), several=True),
    "optuna_gp": Entry("optuna:gp", "torch", ("optuna", "torch"), several=True),
    "optuna_gp_default": Entry("optuna:gp_default", "torch", ("optuna", "torch"), several=True),
    "nevergrad": Entry("nevergrad:Nevergrad", "light", ("nevergrad",), several=True),
    "cma": Entry("cma:CmaEs", "light", ("cma",), continuous=True),
    "smac": Entry("smac:Smac", "smac", ("smac", "ConfigSpace"), several=True),
    "hebo": Entry("hebo:Hebo", "hebo", ("HEBO", "torch")),
    "ax": Entry("ax:Ax", "torch", ("ax-platform", "botorch", "torch"), several=True),
    "hypermapper_rf": Entry(
        "hypermapper:forest", "hypermapper", ("hypermapper",), several=True
    ),
    "hypermapper_gp": Entry("hypermapper:gp", "hypermapper", ("hypermapper",), several=True),
    "skopt_gp": Entry("skopt:Skopt", "light", ("scikit-optimize", "scikit-learn")),
}
"""`random` and `hmserve` run in the interpreter of the benchmark itself."""
