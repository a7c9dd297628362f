"""Hold turkctl's database: tables, the queries over them, and the migrations. Only this package queries it.

One module per aggregate. Every query takes an open session, which ``Database.read()`` or ``Database.write()`` of
:mod:`turkctl.store.engine` gives. Importing this package alone imports nothing.
"""
