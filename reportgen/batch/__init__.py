"""Many reports of many cases: what is to be done, by whom, and what is known to be done."""
