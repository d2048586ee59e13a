"""What an auditor takes home: a verified run as one report, in JSON, HTML and Markdown.

Everything here is made from the evidence of a verification and from nothing else; what a sponsor or
a run only says is marked as such.
"""
