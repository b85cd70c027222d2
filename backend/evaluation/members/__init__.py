"""The pocket suite's rows about members of the family: one file a member, ``<name>_row(suite) ->
Row``.
"""
