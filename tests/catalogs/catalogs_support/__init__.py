"""What the tests of catalogs share. How the connector is run and judged is in `live_support`, of the live tests.

| module | what it is for |
|---|---|
| `environment` | finds the servers and the binary, or says plainly why it cannot |
| `cases` | what a file of data says of a catalog |
| `stores` | tables and rows, made by each system's own client |
| `truth` | what SQL in Trino says of values |
| `once` | work that many tests share |
| `several` | syncs of many streams at once, each with its own state |
"""
