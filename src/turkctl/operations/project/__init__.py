"""Read and check what the project's files say.

Settings tables of experiments, labels and qualifications, question files and templates come in as text; validated
settings and parsed pages go out. Nothing here needs a database or a market, so that files can be checked anywhere.
"""
