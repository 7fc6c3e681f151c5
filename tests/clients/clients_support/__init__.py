"""What the tests with Airbyte's clients share: where the servers are, how the connector is run, what Trino itself says."""
