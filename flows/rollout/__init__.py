"""A rollout, done: each step that `rollout.steps` names, on the versions that run and the traffic that reaches them."""
