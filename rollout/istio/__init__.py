"""The target of a cluster: Istio's VirtualService and the subsets it leads to, applied through the Kubernetes API."""

from rollout.istio.settings import KubernetesSettings

__all__ = ["KubernetesSettings"]
