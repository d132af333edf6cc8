"""What others meet of the casebook: the HTTP API, its accounts, reports."""
