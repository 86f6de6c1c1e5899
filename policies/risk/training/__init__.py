"""Training: from labelled manifests to a data set, and from a data set to a model. Never imported while serving.

Only this package imports numpy and scikit-learn (`pip install podgate[train]`).
"""
