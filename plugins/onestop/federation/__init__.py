"""Federation: packages of integers from many installations, added up to the nation.

On the province's side a package is written from published figures only. On the national side
packages are checked, kept and added up in the schema ``national`` of a warehouse of its own.
"""
