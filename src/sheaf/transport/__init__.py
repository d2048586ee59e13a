"""Reading from servers that need not be friendly: addresses, and HTTP that is measured.

Below ledger and store, and knows neither JSON nor blobs.
"""
