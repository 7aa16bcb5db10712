"""The local mesh: an Envoy in front of the services, under the platform's supervisor."""
