"""The classifier: what rules cannot see. Facts about a pod, and a model that weighs them and can say why."""
