"""
The contract of Scheduled Reports: its kinds, its outcomes, its schedules.

Everything else reads this package and it reads nothing but pydantic: the CRDs, the field reference
and the command line's checks are made from these models, so a rule is written down once.
"""
