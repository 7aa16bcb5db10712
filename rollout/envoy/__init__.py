"""The target of the local platform: a real Envoy, which reads its routes and clusters from files."""

from rollout.envoy.settings import MeshSettings

__all__ = ["MeshSettings"]
