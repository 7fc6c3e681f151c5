"""What the live tests share: where the servers are, how the connector is run, and SQL as the judge.

| module | what it is for |
|---|---|
| `environment` | finds the servers and the binary, or says plainly why it cannot |
| `connector` | runs the binary; a `Result` is what it printed and how it ended |
| `messages` | JSON with exact numbers, and configured catalogs as people and platforms write them |
| `oracle` | SQL in Trino and in PostgreSQL: sets tables up and says what is true |
| `fingerprint` | one number for the content of a table, made the same way by SQL and from records |
| `verdicts` | how runs are judged that are about the way to Trino |
| `documented` | the messages of docs/connections.md |
| `network`, `forwarder`, `ways` | what stands between the connector and Trino |
| `keys` | private keys as people have them |
| `token_server` | tokens, and an OAuth2 server that gives them |
| `servers` | servers beside the usual ones |
| `syncs` | several reads of one stream after each other |
| `changes` | change feeds, their syncs, and what a destination keeps of them |
| `history` | the queries that Trino has run, and their sessions |
| `type_cases` | the table of types: SQL expression, JSON schema, value, change |
"""
