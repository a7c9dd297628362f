"""Tell people of events, each once.

In: a campaign that ends or waits for money, a task that fails, a deadline; in the transaction of the change itself.
Out: a notice, which the scheduler says on standard error, and which is kept until the channels have it.
"""
