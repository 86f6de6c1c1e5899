"""The webhook's verdicts compared with those of upstream's own evaluator."""
