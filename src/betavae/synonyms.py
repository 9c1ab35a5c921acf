"""What papers and other tools call things that have another name here: plain tables, by the kind of thing.

A value is the name that it has here, with a remark in brackets where one is needed, or where there is no such name a
sentence that says what to do instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_OBJECTIVES = {
    "beta_vae": ("betavae", "b_vae", "bvae", "beta_vae_h", "vae", "vanilla", "vanilla_vae", "elbo"),
    "beta_tcvae": ("btcvae", "tcvae", "beta_tc_vae", "betatcvae", "btc_vae", "tc_vae"),
    "factor_vae": ("factorvae", "factor"),
    "annealed_vae": ("annealedvae", "beta_vae_b", "capacity", "control_vae", "annealed"),
    "dip_vae_i": ("dipvae", "dip_vae", "dip_vae_1", "dipvae_i", "dipvaei"),
    "dip_vae_ii": ("dip_vae_2", "dipvae_ii", "dipvaeii"),
    "info_vae": ("infovae", "mmd_vae", "mmdvae", "wae", "wae_mmd"),
    "ada_gvae": ("adagvae", "ada_g_vae", "adavae", "ada_vae"),
    "ada_ml_vae": ("adamlvae", "mlvae", "ml_vae"),
    "sigma_vae": ("sigmavae",),
    "gaussian": ("mse", "l2", "normal"),
}
_METRICS = {
    "higgins": ("betavae", "beta_vae", "beta_vae_metric", "beta_vae_score", "beta_vae_sklearn", "z_diff", "zdiff"),
    "factor_vae": (
        "factorvae",
        "factor_vae_metric",
        "factorvae_metric",
        "factor_vae_score",
        "z_var",
        "zvar",
        "zmin_var",
    ),
    "mig": ("mutual_information_gap", "mutual_info_gap"),
    "sap": ("sap_score", "separated_attribute_predictability"),
    "dci": ("dci_d", "dci_disentanglement", "disentanglement", "completeness", "informativeness", "dci_rf", "dci_gbt"),
    "irs": ("interventional_robustness_score", "interventional_robustness"),
    "modularity": ("modularity_explicitness", "modexp"),
    "infomec": ("infom", "infoe", "infoc", "infomice"),
    "gaussian_tc": ("total_correlation", "tc", "unsupervised"),
    "downstream": ("downstream_task", "sample_efficiency", "weak_downstream"),
    "reconstruction": ("recon", "reconstruction_error", "reconstruction_loss", "bce", "elbo", "nll"),
    "it is 'frechet' with the knob features=inception2015": ("fid", "frechet_inception_distance", "fd", "fid_score"),
    "'frechet' gives it beside its own where there are at most 10,000 images": ("kid", "kernel_inception_distance"),
}
_METHODS = {
    "conv": ("cnn", "convolutional", "conv_vae", "burgess", "deep_conv", "resnet"),
    "mlp": ("fc", "linear", "dense", "fully_connected", "mlp_vae", "deep_gaussian_mlp"),
    "ica": ("fastica", "fast_ica"),
    "untrained": ("random", "random_encoder", "random_network"),
    "factors": ("ground_truth", "gt", "truth", "labels"),
}
_DATASETS = {
    "dsprites": ("2dshapes", "2d_shapes", "dsprites_full", "xysquares", "dsprites_npz"),
    "it is 'shapes3d-drawn', drawn here, or 'shapes3d', the official file": ("3dshapes", "3d_shapes", "shapes3d_full"),
    "it is 'mpi3d-drawn', drawn here, or the official 'mpi3d-toy', 'mpi3d-realistic', 'mpi3d-real'": (
        "mpi3d", "mpi3dtoy", "mpi3d_simple",
    ),
    "cifar10": ("cifar", "cifar_10"),
    "cifar100": ("cifar_100",),
    "it does not come with betavae; bring its images, as mine.py:function": (
        "mnist", "fashion_mnist", "celeba", "chairs", "3dchairs", "cars3d", "smallnorb", "imagenet", "svhn", "omniglot",
    ),
}  # fmt: skip
_BUDGET = "a budget is image passes, images = (epochs times the size of the dataset), in the recipe"
_MACHINE = "what a study is run on is no part of it: say --{} on the command line of `betavae run`"
_GRID = {
    "codes": ("latent_dim", "latents", "n_latents", "z_dim", "z_size", "num_latent", "latent_size", "dim_z", "nz"),
    "method": ("model", "arch", "architecture", "encoder", "network"),
    "objective": ("loss", "loss_fn", "criterion"),
    "dataset": ("data", "datasets"),
    "seed": ("seeds", "random_seed", "random_state", "seed_range"),
    "beta": ("betas", "kl_weight"),
    "learning_rate is in the recipe: recipe = { learning_rate = … }": ("learning_rate", "lr", "learning_rates"),
    "batch is in the recipe: recipe = { batch = … }": ("batch", "batch_size", "bs"),
    "optimiser is in the recipe: recipe = { optimiser = … }": ("optimiser", "optimizer", "optim"),
    "images are in the recipe: recipe = { images = … }": ("images",),
    _BUDGET: ("epochs", "epoch", "num_epochs", "n_epochs", "steps", "iterations", "training_steps", "max_epochs"),
    "a score is asked by a table [questions.NAME] with measure = …, named in questions = […]": (
        "metric", "metrics", "measure", "eval", "evaluation",
    ),
    **{_MACHINE.format(name): (name,) for name in ("precision", "store", "executor", "shard")},
    _MACHINE.format("device"): ("device", "gpu", "gpus", "cuda", "accelerator"),
    _MACHINE.format("workers"): ("workers", "num_workers", "n_jobs", "jobs"),
}  # fmt: skip
_RECIPE = {
    "learning_rate": ("lr", "step_size"),
    "optimiser": ("optimizer", "optim"),
    "batch": ("batch_size", "bs"),
    "weight_decay": ("wd", "l2"),
    _BUDGET: ("epochs", "epoch", "num_epochs", "n_epochs", "steps", "iterations", "training_steps", "max_epochs"),
}
_OPTIONS = {
    "--images (image passes: epochs times the size of the dataset)": ("--epochs", "--num-epochs", "--n-epochs"),
    "--images (image passes: steps times the batch)": ("--steps", "--iterations", "--num-steps"),
    "--learning-rate": ("--lr",),
    "--batch": ("--batch-size", "--bs"),
    "--codes": ("--latent-dim", "--latents", "--z-dim", "--n-latents", "--dim-z"),
    "--method": ("--model", "--arch", "--architecture"),
    "--objective": ("--loss",),
    "--optimiser": ("--optimizer",),
    "--device": ("--gpu", "--gpus", "--cuda", "--accelerator"),
    "--workers": ("--jobs", "-j", "--num-workers", "--n-jobs", "--threads"),
    "--store": ("--output-dir", "--out-dir", "--outdir", "--logdir", "--log-dir", "--save-dir", "--checkpoint-dir"),
    "--out": ("--output", "-o", "--outfile"),
    "--metric": ("--metrics", "--measure"),
    "--seeds": ("--repeats", "--n-seeds"),
    "--knob": ("--set", "--param", "--hparam"),
}
_OPTIMISERS = {
    "adamw": ("adam_w",),
    "known optimisers are few; SGD, RMSprop and the like have none here": ("sgd", "rmsprop", "momentum", "lion"),
}
_CLASSIFIERS = {
    "logistic": ("logistic_regression", "logreg", "lr", "softmax"),
    "forest": ("random_forest", "rf"),
    "mlp": ("nn", "neural_network"),
    "linear": ("perceptron", "one_layer"),
}
_VERBS = {
    "score": ("evaluate", "eval", "test", "metric", "metrics", "benchmark"),
    "train": ("fit", "learn"),
    "figure": ("plot", "draw", "traverse", "traversals", "visualise", "visualize", "viz"),
    "explore": ("serve", "view", "show", "demo"),
    "run": ("study", "sweep", "resume", "reproduce", "start"),
    "status": ("ls", "list", "progress", "jobs"),
    "data": ("dataset", "datasets", "download", "fetch"),
    "cite": ("bibtex",),
}

Words = Mapping[str, tuple[str, ...]]
_METHOD_NAMED = "that is an objective, {}; a method is an architecture or a baseline, as conv"
SYNONYMS: Mapping[str, Words] = {
    "objective": _OBJECTIVES,
    "metric": _METRICS,
    "measure": _METRICS,
    "method": {
        **_METHODS,
        **{_METHOD_NAMED.format(repr(name)): (name, *words) for name, words in _OBJECTIVES.items()},
    },
    "encoder": _METHODS,
    "dataset": _DATASETS,
    "key of a grid": _GRID,
    "key of a recipe": _RECIPE,
    "key of a study": {"questions": ("question", "metrics"), "grid": ("grids", "cells"), "claims": ("claim",)},
    "option": _OPTIONS,
    "optimiser": _OPTIMISERS,
    "classifier": _CLASSIFIERS,
    "features": {"inception2015": ("fid", "inception", "inception_v3", "inceptionv3", "torch_fidelity")},
    "verb": _VERBS,
    "device": {"a GPU is named 'cuda', or 'cuda:1' by its number": ("gpu", "gpus", "nvidia")},
}
"""What a thing is called here, or what to do instead, and the words that others use for it."""


def said(kind: str, given: str, known: Iterable[str]) -> str:
    """What to say of a word that others use for a thing of this kind; empty where nothing is known of it, or where its
    name here is none of those ``known``.
    """
    word = given.lower().replace("-", "_").replace(" ", "_") if not given.startswith("-") else given
    table = SYNONYMS.get(kind) or SYNONYMS.get(kind.partition(" of '")[0]) or {}
    for value, words in table.items():
        if word in words:
            name, _, remark = value.partition(" (")
            if " " in name:
                return value
            return f"here it is {name!r}{f' ({remark}' if remark else ''}" if name in known else ""
    return ""
