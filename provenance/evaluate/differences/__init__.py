"""How well differences are found, named, placed and measured, on pairs with known edits.

matching   which said edit is which true one
run        pairs -> outcomes: what was said of each, as `provenance explain` says it
figures    outcomes -> recall, precision, places, parameters, text, specificity
tables     figures as text
sheet      the worst pairs as a contact sheet
"""
